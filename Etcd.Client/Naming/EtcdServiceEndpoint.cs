using System.Text.Json;

namespace Etcd.Client;

/// <summary>Where an instance of a service is.</summary>
/// <param name="Address">What clients connect to, such as <c>10.0.0.7:8080</c>. Its form is the service's own matter.</param>
/// <param name="Metadata">What else there is to say of it, as JSON; null for nothing.</param>
public sealed record EtcdServiceEndpoint(string Address, JsonElement? Metadata = null);

/// <summary>The endpoints of a service at one revision. Immutable.</summary>
/// <param name="Revision">The revision.</param>
/// <param name="Endpoints">The endpoints by their keys.</param>
public sealed record EtcdEndpointSet(long Revision, IReadOnlyDictionary<EtcdKey, EtcdServiceEndpoint> Endpoints);
