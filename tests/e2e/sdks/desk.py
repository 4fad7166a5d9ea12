"""A member's desk: a sign-in by the command line, a kubeconfig, a token, and each SDK in an environment of its own.

A process at the desk is told what docs/sdks.md tells people to set, and nothing else of this one's environment.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from components.catalog import features
from components.facts import PlatformFacts
from components.kubeflow_pipelines.names import NAME as KUBEFLOW_PIPELINES
from components.training.names import NAMESPACE as TRAINING_NAMESPACE
from infra.api.client import Client
from infra.kubectl import Kubectl, short
from infra.verify.story import WORKSPACE, Story
from tests.servers.venvs import environment

EXAMPLES_FOLDER = Path(__file__).parent / "examples"
PACKAGES_FOLDER = Path(__file__).parent / "packages"
_SECONDS = 900


@dataclass(frozen=True)
class Example:
    """One program of `examples`."""

    program: str
    sdk: str
    """Folder of `packages` whose environment it runs in."""
    name: str
    needs: tuple[str, ...]
    """Components."""
    after: str = ""
    """The example whose outcome it uses."""
    image: str = "workspace_image"
    """Field of the facts with the image that it is given."""


EXAMPLES = (
    Example("mlflow_quickstart", "mlflow", "mlflow: autolog, register, load", ("tracking",)),
    Example("kubeflow_trainer", "kubeflow", "kubeflow: TrainerClient trains a function", ("training",)),
    Example("kubeflow_optimizer", "kubeflow", "kubeflow: OptimizerClient searches", ("training", "tuning")),
    Example("katib_tune", "katib", "katib: tune a function", ("tuning",)),
    Example("hera_workflow", "hera", "hera: a diamond of steps", ("pipelines",)),
    Example(
        "kfp_pipeline",
        "kfp",
        "kfp: steps that are functions",
        ("tracking", KUBEFLOW_PIPELINES),
        image="kubeflow_step_image",
    ),
    Example(
        "kserve_endpoint", "kserve", "kserve: an endpoint predicts", ("tracking", "serving"), after="mlflow_quickstart"
    ),
)


def python(sdk: str) -> Path:
    """The interpreter with that SDK, installed the first time. Needs the network then."""
    return environment(PACKAGES_FOLDER / sdk / "requirements.lock", f"sdk-{sdk}", Path(sys.executable))


class Desk(Story):
    """One tenant with one workspace, and its member, who does everything that is tried here."""

    name = "sdks"
    quota = {"cpu": "8", "memory": "12Gi", "storage": "12Gi", "pods": 40}

    def __init__(self, api: Client, kubectl: Kubectl, facts: PlatformFacts) -> None:
        super().__init__(api, kubectl, facts)
        self.places = (self.a,)
        self.features = tuple(component.name for component in features(facts.components))
        self._folder = tempfile.TemporaryDirectory(prefix="mlp-sdks-")
        self.folder = Path(self._folder.name)
        self.environment: dict[str, str] = {}
        self.left = False
        """Whether the tenant is removed."""

    def close(self) -> None:
        self._folder.cleanup()
        super().close()
        self.left = True

    def sit_down(self) -> str:
        """Makes the tenant, its workspace and its member, who signs in; what `platform` said of it."""
        self.open()
        access = self.person_api.access
        authority = self.folder / "ca.crt"
        authority.write_text(access.ca)
        url = access.url.rstrip("/")
        trust = ["--ca-file", str(authority)] if access.ca else []
        said = self._platform("login", "--url", url, "--account", self.name, *trust, typed=self.password)
        token = self._platform("token", "create", "sdks", "--secret-only")
        kubeconfig = self.folder / "kubeconfig"
        kubeconfig.write_text(self._platform("kubeconfig", "--workspace", f"{self.a.tenant}/{WORKSPACE}"))
        self.environment = {
            **self._plain(),
            "KUBECONFIG": str(kubeconfig),
            "KUBEFLOW_SYSTEM_NAMESPACE": TRAINING_NAMESPACE,
            "MLFLOW_TRACKING_URI": f"{url}/mlflow",
            "MLFLOW_TRACKING_TOKEN": token,
            "MLFLOW_WORKSPACE": self.a.namespace,
        }
        if access.ca:
            self.environment |= {"MLFLOW_TRACKING_SERVER_CERT_PATH": str(authority), "SSL_CERT_FILE": str(authority)}
        return short(said)

    def try_out(self, example: Example) -> str:
        """Runs the example to its end; the last line that it printed. Raises AssertionError with the end of its log."""
        program = EXAMPLES_FOLDER / f"{example.program}.py"
        arguments = [self.a.namespace, getattr(self.facts, example.image), self.person_api.access.url.rstrip("/")]
        return self._process([str(python(example.sdk)), str(program), *arguments], self.environment).splitlines()[-1]

    def _platform(self, *words: str, typed: str = "") -> str:
        command = [str(Path(sys.executable).with_name("platform")), *words]
        return self._process(command, {**self._plain(), "MLP_HOME": str(self.folder / "home")}, typed)

    def _plain(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "LANG": "C.UTF-8"}

    def _process(self, command: list[str], env: dict[str, str], typed: str = "") -> str:
        try:
            done = subprocess.run(
                command, input=typed, env=env, cwd=self.folder, capture_output=True, text=True, check=False,
                timeout=_SECONDS,
            )  # fmt: skip
        except subprocess.TimeoutExpired as late:
            raise AssertionError(f"not done after {_SECONDS} s: {command[1]}") from late
        if done.returncode:
            raise AssertionError(f"{Path(command[1]).name} ended with {done.returncode}: {done.stderr[-1500:].strip()}")
        return done.stdout.strip()
