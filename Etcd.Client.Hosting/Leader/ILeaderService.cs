namespace Etcd.Client.Hosting;

/// <summary>
/// What runs on the leader only: made anew and run whenever this instance wins the election. A <c>BackgroundService</c> can be used
/// in its place where it need not know the leadership.
/// </summary>
/// <example>
/// <code>
/// internal sealed class Cleaner(IEtcdClient etcd) : ILeaderService
/// {
///     public async Task RunAsync(EtcdLeadership leadership, CancellationToken stoppingToken)
///     {
///         using var hour = new PeriodicTimer(TimeSpan.FromHours(1));
///         while (await hour.WaitForNextTickAsync(stoppingToken))
///             await etcd.Kv.CommitAsync(
///                 new EtcdTxn().If(leadership.StillHeld).Then(EtcdOp.Delete(EtcdRange.Prefix("tmp/"))), cancellationToken: stoppingToken);
///     }
/// }
/// </code>
/// </example>
public interface ILeaderService
{
    /// <summary>Does the leader's work.</summary>
    /// <param name="leadership">
    /// The leadership: put <see cref="EtcdLeadership.StillHeld"/> among the conditions of what must not be written by two leaders.
    /// </param>
    /// <param name="stoppingToken">
    /// Fires when the work must end: the application stops, or the leadership may be lost after
    /// <see cref="EtcdLeaderElectionOptions.StopTimeout"/>.
    /// </param>
    Task RunAsync(EtcdLeadership leadership, CancellationToken stoppingToken);
}
