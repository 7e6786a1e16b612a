package dropin

import (
	"fmt"
	"go.yaml.in/yaml/v3"
	"os"
	"strings"
	"testing"
)

func TestPrint(t *testing.T) {
	f := os.Getenv("PRINT")
	if f == "" {
		t.Skip()
	}
	b, _ := os.ReadFile(f)
	c := resolve(t, string(b))
	vars := map[string]string{}
	for _, v := range strings.Split(os.Getenv("VARS"), ";") {
		k, x, _ := strings.Cut(v, "=")
		if k != "" {
			vars[k] = x
		}
	}
	r := runReport(t, c, vars, steps...)
	for _, e := range r.entries {
		fmt.Println("#", e)
	}
	o, _ := yaml.Marshal(c.ToStringMap())
	os.WriteFile(os.Getenv("OUT"), o, 0o644)
	fmt.Println(string(o))
}
