using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Etcd.Bench.Load;

namespace Etcd.Bench.Compare;

/// <summary>
/// A side's server: one process, or a cluster of several that reach each other over loopback, on free ports. Dispose stops all
/// and deletes their data; their logs stay.
/// </summary>
internal sealed class RunningServer : IDisposable
{
    private static readonly TimeSpan HealthyDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    private readonly ServerMember[] _members;

    private RunningServer(Side side, int members, string workFolder, string label)
    {
        int[] ports = FreePorts(2 * members);
        string[] names = [.. Enumerable.Range(0, members).Select(i => $"bench{i}")];
        string initial = string.Join(',', names.Select((name, i) => $"{name}=http://127.0.0.1:{ports[members + i]}"));
        _members = [.. names.Select((name, i) => new ServerMember(
            side.Executable, Path.Combine(workFolder, members == 1 ? label : $"{label}-{i}"), name, ports[i], ports[members + i], initial))];
    }

    public IReadOnlyList<ServerMember> Members => _members;

    public IReadOnlyList<int> ProcessIds => [.. _members.Select(member => member.ProcessId)];

    /// <exception cref="LoadFailedException">It did not become healthy; the message holds the end of its log.</exception>
    public static RunningServer StartHealthy(Side side, int members, string workFolder, string label, CancellationToken cancellationToken)
    {
        var server = new RunningServer(side, members, workFolder, label);
        try
        {
            server.WaitForLeader(cancellationToken);
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>The ports for a load, the leader's first.</summary>
    public IReadOnlyList<int> Ports(LoadTarget target)
    {
        int leader = WaitForLeader(CancellationToken.None).Port;
        return target == LoadTarget.Leader ? [leader] : [leader, .. _members.Select(m => m.Port).Where(port => port != leader)];
    }

    /// <summary>Waits until all members agree on who leads and on the newest revision.</summary>
    public ServerMember WaitForLeader(CancellationToken cancellationToken)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            if (Leader(cancellationToken) is ServerMember leader)
                return leader;
            if (_members.Any(member => member.HasExited) || waited.Elapsed > HealthyDeadline)
                throw Explain("the server did not become healthy");
            cancellationToken.WaitHandle.WaitOne(PollInterval);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>The failure with what the server last said.</summary>
    public LoadFailedException Explain(string failure) =>
        new($"{failure}; {string.Join('\n', _members.Select(member => member.Describe()))}");

    public void Dispose()
    {
        // All at once: a member that waits for the others to answer would else use up its time.
        foreach (ServerMember member in _members)
            member.RequestStop();
        foreach (ServerMember member in _members)
            member.Dispose();
    }

    private ServerMember? Leader(CancellationToken cancellationToken)
    {
        MemberStatus?[] all = [.. _members.Select(member => GrpcCall.Status(member.Port, cancellationToken))];
        bool agreed = all.All(status => status is not null && status.Leader != 0)
            && all.Select(status => (status!.Leader, status.Revision)).Distinct().Count() == 1;
        return agreed ? _members[Array.FindIndex(all, status => status!.Id == status.Leader)] : null;
    }

    private static int[] FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToList();
        try
        {
            listeners.ForEach(listener => listener.Start());
            return [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        }
        finally
        {
            listeners.ForEach(listener => listener.Dispose());
        }
    }
}
