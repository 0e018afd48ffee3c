using Etcd.Protocol.Errors;
using Etcd.Server.Apply.Alarms;

namespace Etcd.Server.Node;

/// <summary>
/// Raises this member's NOSPACE alarm, whoever finds that there is no space: one proposal at a time, which all share that ask
/// meanwhile. One that fails (no quorum, a stop) is not tried again: the next request that does not fit asks anew. Any thread.
/// </summary>
internal sealed class NoSpaceAlarm(MemberNode node, RaisedAlarm alarm, ICompletions completions)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _underWay;

    /// <summary>Told each time that it is about to be raised. Any thread.</summary>
    public Action Raises { get; set; } = static () => { };

    /// <summary>Raises it; completes when it is applied, or could not be raised. Never faults.</summary>
    public Task RaiseAsync()
    {
        TaskCompletionSource raised;
        lock (_gate)
        {
            if (_underWay is not null)
            {
                return _underWay.Task;
            }

            // Completed where answers are given, so that what follows may run there too.
            raised = _underWay = new TaskCompletionSource();
        }

        Raises();
        _ = ProposeAsync(raised);
        return raised.Task;
    }

    /// <summary>
    /// For the apply step, which may neither propose nor wait: raises it soon, and then gives an answer, so that a client that
    /// is told of it finds the alarm in the list.
    /// </summary>
    /// <param name="answer">The answer; null if nobody waits.</param>
    public void RaiseSoon(IAnswer? answer) => completions.Post(new Raising(this, answer));

    private async Task ProposeAsync(TaskCompletionSource raised)
    {
        try
        {
            await node.ProposeAsync(RaftCommand.Create(RaftCommandKind.Alarm, AlarmCommands.Raise(alarm))).ConfigureAwait(false);
        }
        catch (EtcdErrorException)
        {
            // Those who wait are told that there is no space in any case.
        }

        lock (_gate)
        {
            _underWay = null;
        }

        raised.SetResult();
    }

    private sealed class Raising(NoSpaceAlarm alarm, IAnswer? answer) : IThreadPoolWorkItem
    {
        public void Execute() => _ = RaiseThenAnswerAsync();

        private async Task RaiseThenAnswerAsync()
        {
            await alarm.RaiseAsync().ConfigureAwait(false);
            answer?.Give();
        }
    }
}
