// SPDX-License-Identifier: Apache-2.0

package lokiexporter // import "github.com/tokenledger/tokenledger/go-shim/lokiexporter"

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// part is what one request carries.
type part struct {
	// tenant goes into the header X-Scope-OrgID; empty: no header.
	tenant string
	logs   plog.Logs
}

// splitByTenant makes one part for each tenant, in the order in which they first occur. Almost always there is one, and
// nothing is copied then.
func splitByTenant(ld plog.Logs) []part {
	var parts []part
	index := map[string]int{}
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				tenant := tenantOf(rl.Resource().Attributes(), record.Attributes())
				if _, ok := index[tenant]; !ok {
					index[tenant] = len(parts)
					parts = append(parts, part{tenant: tenant})
				}
			}
		}
	}
	if len(parts) == 1 {
		parts[0].logs = ld
		return parts
	}
	for i := range parts {
		parts[i].logs = plog.NewLogs()
	}
	for _, rl := range ld.ResourceLogs().All() {
		distribute(rl, parts, index)
	}
	return parts
}

// distribute copies the records of one resource to the parts of their tenants.
func distribute(rl plog.ResourceLogs, parts []part, index map[string]int) {
	resources := map[int]plog.ResourceLogs{}
	for _, sl := range rl.ScopeLogs().All() {
		scopes := map[int]plog.ScopeLogs{}
		for _, record := range sl.LogRecords().All() {
			i := index[tenantOf(rl.Resource().Attributes(), record.Attributes())]
			if _, ok := resources[i]; !ok {
				resources[i] = parts[i].logs.ResourceLogs().AppendEmpty()
				rl.Resource().CopyTo(resources[i].Resource())
				resources[i].SetSchemaUrl(rl.SchemaUrl())
			}
			if _, ok := scopes[i]; !ok {
				scopes[i] = resources[i].ScopeLogs().AppendEmpty()
				sl.Scope().CopyTo(scopes[i].Scope())
				scopes[i].SetSchemaUrl(sl.SchemaUrl())
			}
			record.CopyTo(scopes[i].LogRecords().AppendEmpty())
		}
	}
}

// tenantOf follows the hint loki.tenant, of the resource before that of the record: it names the attribute that holds the
// tenant, of the resource before that of the record again. Empty: none.
func tenantOf(resource, record pcommon.Map) string {
	hint, ok := resource.Get(hintTenant)
	if !ok {
		if hint, ok = record.Get(hintTenant); !ok {
			return ""
		}
	}
	name := strings.TrimSpace(text(hint))
	tenant, ok := resource.Get(name)
	if !ok {
		if tenant, ok = record.Get(name); !ok {
			return ""
		}
	}
	return text(tenant)
}

// merge puts parts together again. They are used no more after that.
func merge(parts []part) plog.Logs {
	if len(parts) == 1 {
		return parts[0].logs
	}
	all := plog.NewLogs()
	for _, p := range parts {
		p.logs.ResourceLogs().MoveAndAppendTo(all.ResourceLogs())
	}
	return all
}
