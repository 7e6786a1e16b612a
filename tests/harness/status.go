package harness

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// StatusArguments let the health check answer with the status of each component.
var StatusArguments = []string{"--feature-gates=extension.healthcheck.useComponentStatus"}

// StatusConfig is what the health check's configuration needs for that, to be merged with a test's own.
const StatusConfig = `
extensions:
  health_check:
    http:
      endpoint: ${env:TOKENLEDGER_HOST}:${env:TOKENLEDGER_HEALTH_PORT}
      status: {enabled: true, path: /}
    component_health: {include_permanent_errors: true, include_recoverable_errors: true, recovery_duration: 1s}
`

// componentStatus is the health check's answer, which nests pipelines and components.
type componentStatus struct {
	Status     string
	Error      string
	Components map[string]componentStatus
}

// Status is the status of a component of a pipeline, for example StatusOK, and its error if it has one. The collector
// must have been started with StatusArguments and StatusConfig.
func (c *Collector) Status(pipeline, component string) (status, text string, err error) {
	answer, err := http.Get("http://" + address(c.Setup.Ports.Health) + "/?verbose")
	if err != nil {
		return "", "", err
	}
	defer answer.Body.Close()
	var all componentStatus
	if err := json.NewDecoder(answer.Body).Decode(&all); err != nil { // an answer of any code has the status
		return "", "", err
	}
	found, there := all.Components["pipeline:"+pipeline].Components[component]
	if !there || !strings.HasPrefix(found.Status, "Status") {
		return "", "", fmt.Errorf("the health check knows no %s in pipeline %s", component, pipeline)
	}
	return found.Status, found.Error, nil
}
