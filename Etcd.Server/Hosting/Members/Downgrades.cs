using Etcd.Protocol.Errors;
using Etcd.Protocol.Membershippb;
using Etcd.Server.Membership;
using Etcd.Server.Node;
using Google.Protobuf;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Members;

/// <summary>
/// Downgrades with etcd's checks, in its order (server/etcdserver/version.Manager): the text, then, after a round of reads, the step, then
/// that none is under way. Any thread.
/// </summary>
/// <param name="node">The node.</param>
/// <param name="cluster">The members.</param>
/// <param name="log">Where refusals and changes are told.</param>
internal sealed class Downgrades(MemberNode node, ClusterState cluster, ILogger log) : IDowngrades
{
    /// <inheritdoc/>
    public Downgrade Current => cluster.Current.Downgrade ?? Downgrade.None;

    private string Agreed => cluster.Current.Version ?? throw EtcdErrors.ClusterVersionUnavailable.ToException();

    /// <inheritdoc/>
    public async Task<string> ValidateAsync(string version, CancellationToken cancellation)
    {
        Version target = Parse(version);
        string agreed = Agreed;
        await CheckAsync(target, cancellation).ConfigureAwait(false);
        return agreed;
    }

    /// <inheritdoc/>
    public async Task<string> EnableAsync(string version, CancellationToken cancellation)
    {
        try
        {
            Version target = Parse(version);
            await CheckAsync(target, cancellation).ConfigureAwait(false);
            await SetAsync(new Downgrade(DowngradeRules.Text(target)), cancellation).ConfigureAwait(false);
        }
        catch (EtcdErrorException e)
        {
            HostingLog.DowngradeRefused(log, e.Error.Text);
            throw;
        }

        return Agreed;
    }

    /// <inheritdoc/>
    public async Task<string> CancelAsync(CancellationToken cancellation)
    {
        await node.LinearizeAsync(cancellation).ConfigureAwait(false);
        if (Current.IsEnabled)
        {
            await SetAsync(Downgrade.None, cancellation).ConfigureAwait(false);
        }
        else
        {
            HostingLog.DowngradeCancelRefused(log, EtcdErrors.NoInflightDowngrade.Text);
        }

        return Agreed;
    }

    /// <summary>Writes into the log that a downgrade begins or ends.</summary>
    /// <param name="downgrade">Where it leads; <see cref="Downgrade.None"/> if it ends.</param>
    /// <param name="cancellation">The caller no longer waits.</param>
    public async Task SetAsync(Downgrade downgrade, CancellationToken cancellation)
    {
        var request = new DowngradeInfoSetRequest { Enabled = downgrade.IsEnabled, Ver = downgrade.Target };
        await node.ProposeAsync(RaftCommand.Create(RaftCommandKind.DowngradeInfoSet, request.ToByteArray()))
            .WaitAsync(cancellation).ConfigureAwait(false);
    }

    private static Version Parse(string version) =>
        DowngradeRules.ParseTarget(version) ?? throw EtcdErrors.WrongDowngradeVersionFormat.ToException();

    private async Task CheckAsync(Version target, CancellationToken cancellation)
    {
        await node.LinearizeAsync(cancellation).ConfigureAwait(false);
        if (Primitives.ClaimedVersion.Number(Agreed) is not { } agreed || !DowngradeRules.IsValid(agreed, target))
        {
            throw EtcdErrors.InvalidDowngradeTargetVersion.ToException();
        }

        if (Current.IsEnabled)
        {
            throw EtcdErrors.DowngradeInProcess.ToException();
        }
    }
}
