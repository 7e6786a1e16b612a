// SPDX-License-Identifier: Apache-2.0

package accumulator

import (
	"context"
	"strings"

	"go.opentelemetry.io/collector/client"

	"github.com/tokenledger/tokenledger/go-shim/internal/engine"
)

// metadataKeys are the keys of client metadata that are part of a stream's identity, in lower case.
type metadataKeys []string

func newMetadataKeys(keys []string) metadataKeys {
	lower := make(metadataKeys, 0, len(keys))
	for _, key := range keys {
		lower = append(lower, strings.ToLower(key))
	}
	return lower
}

// selectFrom returns the metadata of a request that is part of identity. A key the client did not send is left out.
func (keys metadataKeys) selectFrom(ctx context.Context) engine.Metadata {
	if len(keys) == 0 {
		return nil
	}
	sent := client.FromContext(ctx).Metadata
	selected := make(engine.Metadata, len(keys))
	for _, key := range keys {
		if values := sent.Get(key); len(values) > 0 {
			selected[key] = values
		}
	}
	return selected
}

// withMetadata returns a context in which periodic output goes out as if the clients had sent it: components behind
// that look at client metadata (headers, tenants) see the values the totals belong to, so tenants never mix.
func withMetadata(ctx context.Context, metadata engine.Metadata) context.Context {
	if len(metadata) == 0 {
		return ctx
	}
	return client.NewContext(ctx, client.Info{Metadata: client.NewMetadata(metadata)})
}
