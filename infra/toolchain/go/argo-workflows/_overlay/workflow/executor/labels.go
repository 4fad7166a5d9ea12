// Package executor of the module is older than the label interface of the Kubernetes libraries it is compiled with here:
// this file is ours and adds what the interface has gained.
package executor

// Lookup gives a label's value, and whether it is there.
func (g gjsonLabels) Lookup(label string) (string, bool) {
	return g.Get(label), g.Has(label)
}
