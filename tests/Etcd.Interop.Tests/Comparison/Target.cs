using System.Globalization;
using Etcd.TestKit.Processes;
using Etcd.TestKit.Processes.Clusters;

namespace Etcd.Interop.Tests.Comparison;

/// <summary>Who is asked in a run of a scenario, and what of its answers says where it runs and nothing else.</summary>
internal sealed class Target
{
    private readonly IReadOnlyList<(string Text, string Shown)> _places;

    private Target(string endpoint, string clientUrl, IReadOnlyList<(string Text, string Shown)> places)
    {
        Endpoint = endpoint;
        ClientUrl = clientUrl;
        _places = places;
    }

    /// <summary>Host and port of the member that is asked where a step names no other.</summary>
    public string Endpoint { get; }

    /// <summary>Its URL.</summary>
    public string ClientUrl { get; }

    /// <summary>The cluster, where it is one.</summary>
    public ServerCluster? Cluster { get; private init; }

    /// <summary>The place of a member that is to be added.</summary>
    public MemberPlace? Spare { get; private init; }

    /// <summary>A lone member.</summary>
    public static Target Of(ServerProcess server) =>
        new(server.Endpoint, server.ClientUrl, [(server.ClientUrl, "<url>"), (server.Endpoint, "<endpoint>")]);

    /// <summary>A cluster whose members have all said their ids; the first of them is asked.</summary>
    public static Target Of(ServerCluster cluster, MemberPlace spare)
    {
        var places = new List<(string Text, string Shown)>();
        foreach ((int i, MemberPlace place) in cluster.Members.Select(m => m.Place).Append(spare).Index())
        {
            places.AddRange([(place.ClientUrl, $"<url-{i}>"), (place.Client, $"<endpoint-{i}>"), (place.PeerUrl, $"<peer-{i}>")]);
        }

        foreach ((int i, ClusterMember member) in cluster.Members.Index())
        {
            places.AddRange([(Hex(member.Id), $"<id-{i}>"), (member.Id.ToString(CultureInfo.InvariantCulture), $"<id-{i}>")]);
        }

        return new(cluster.Members[0].Place.Client, cluster.Members[0].Place.ClientUrl, places) { Cluster = cluster, Spare = spare };
    }

    /// <summary>A member's id as etcdctl writes it.</summary>
    public static string Hex(ulong id) => id.ToString("x", CultureInfo.InvariantCulture);

    /// <summary>Host and port of a member of the cluster.</summary>
    public string EndpointOf(int? member) => member is { } index ? Cluster!.Members[index].Place.Client : Endpoint;

    /// <summary>Shows places by name.</summary>
    public string Hide(string line)
    {
        foreach ((string text, string shown) in _places)
        {
            line = line.Replace(text, shown, StringComparison.Ordinal);
        }

        return line;
    }
}
