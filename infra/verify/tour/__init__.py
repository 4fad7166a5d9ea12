"""Steps of the guided tour: what a person does with the platform, by its public addresses only."""
