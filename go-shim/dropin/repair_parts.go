// SPDX-License-Identifier: Apache-2.0

package dropin // import "github.com/tokenledger/tokenledger/go-shim/dropin"

import (
	"fmt"
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
)

// remedies say what to do about parts that the distribution does not have, where we know it.
var remedies = map[string]string{
	"awsemf":                  "send metrics to CloudWatch's OTLP endpoint with otlp_http and sigv4auth",
	"awscloudwatchlogs":       "send logs to CloudWatch's OTLP endpoint with otlp_http and sigv4auth",
	"awsxray":                 "send traces to X-Ray's OTLP endpoint with otlp_http and sigv4auth",
	"googlecloud":             "send to Google Cloud's OTLP endpoint, or through a second collector that has this part, with otlp_grpc",
	"googlemanagedprometheus": "send through a second collector that has this part, with otlp_grpc",
	"jaeger":                  "Jaeger takes OTLP: write otlp_grpc with its port 4317",
	"zipkin":                  "send through a second collector that has this part, with otlp_grpc",
	"datadog":                 "Datadog's agent takes OTLP: write otlp_grpc with its port 4317",
	"elasticsearch":           "Elastic's APM Server takes OTLP: write otlp_http with its address",
	"opensearch":              "Data Prepper takes OTLP for OpenSearch: write otlp_grpc with its address",
	"resourcedetection":       "write the attributes you need with a resource processor",
	"resource_detection":      "write the attributes you need with a resource processor",
}

// typePattern is what a type may look like (component v1.64.0, identifiable.go).
var typePattern = regexp.MustCompile(`^[a-zA-Z][0-9a-zA-Z_]{0,62}$`)

// repairMissingParts leaves out components that the distribution does not have if nothing uses them: images with more
// parts start with them, and so does this one. Of components in use it says what to do; the collector refuses them.
func repairMissingParts(document *document, _ environment, report *report) error {
	for _, section := range sections {
		for _, id := range document.components(section) {
			kind, _ := splitID(id)
			if shipped(section, kind) || !typePattern.MatchString(kind) {
				continue // the collector reports what cannot be a type
			}
			path := []string{section, id}
			if !document.used(section, id) {
				document.remove(path...)
				report.warn(rulePartUnused, path, "%s is not in this image, and no pipeline uses it, so it is left out: remove it", kind)
				continue
			}
			if !inImage() {
				continue // another distribution with this converter may have it
			}
			report.warn(rulePartMissing, path, "%s", missing(section, kind))
		}
	}
	return nil
}

func missing(section, kind string) string {
	remedy := remedies[kind]
	if remedy == "" {
		remedy = "remove it from its pipelines"
		if section == "extensions" {
			remedy = "remove it from service::extensions"
		}
	}
	return fmt.Sprintf("%s is not in this image, so the start is refused (its %s: %s): %s, "+
		"or build an image with it from builder-config.yaml",
		kind, section, strings.Join(shippedTypes(section), ", "), remedy)
}

// inImage tells whether this is the distribution whose parts are known here, not another one that took the converter.
var inImage = sync.OnceValue(func() bool {
	build, ok := debug.ReadBuildInfo()
	return ok && build.Main.Path == "github.com/tokenledger/tokenledger/distribution"
})
