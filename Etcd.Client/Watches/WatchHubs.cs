namespace Etcd.Client;

/// <summary>
/// The shared streams: one for watches that need a member with a leader, one for those that do not, as the header that says so belongs
/// to the stream.
/// </summary>
internal sealed class WatchHubs(EtcdConnection connection) : IAsyncDisposable
{
    private readonly WatchHub _requiringLeader = new(connection, requireLeader: true);
    private readonly WatchHub _plain = new(connection, requireLeader: false);

    public WatchHub For(bool requireLeader) => requireLeader ? _requiringLeader : _plain;

    public void RequestProgress()
    {
        _requiringLeader.RequestProgress();
        _plain.RequestProgress();
    }

    public async ValueTask DisposeAsync()
    {
        await _requiringLeader.DisposeAsync().ConfigureAwait(false);
        await _plain.DisposeAsync().ConfigureAwait(false);
    }
}
