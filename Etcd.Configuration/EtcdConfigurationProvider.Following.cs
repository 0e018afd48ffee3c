using System.Diagnostics;
using Etcd.Client;
using Etcd.Configuration.Diagnostics;
using Etcd.Configuration.Reading;

namespace Etcd.Configuration;

/// <summary>
/// How changes are followed. The client resumes a watch after whatever happens to connections and members; here is what is left: history
/// that is gone (everything is read again), refusals and silence (after a pause the watch goes on where it was).
/// </summary>
public sealed partial class EtcdConfigurationProvider
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    // No timer takes more than about 49 days.
    private static readonly TimeSpan LongestPauseAskedFor = TimeSpan.FromDays(1);

    private async Task FollowAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                long revision = await ReadForWatchAsync(cancellation).ConfigureAwait(false);
                await _feed.RunAsync(revision + 1, TakeAsync, () => Volatile.Read(ref _view)?.Revision ?? 0, IsKnown, cancellation).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }
            catch (EtcdCompactedException e)
            {
                ConfigurationLog.Compacted(_log, e.CompactRevision);
                await ForgetViewAsync(cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (StoreReplacedException e)
            {
                ConfigurationLog.StoreReplaced(_log, e.Known, e.Found);
                await ForgetViewAsync(cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (Exception e)
            {
                await PauseAsync(e, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>The revision that the watch is to begin behind; everything is read first where that is not known.</summary>
    private async Task<long> ReadForWatchAsync(CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (_view is not null)
                return _view.Revision;
            using Activity? activity = Telemetry.Start("etcd.configuration.reload");
            try
            {
                await ReadAsync(activity, cancellation).ConfigureAwait(false);
            }
            catch (EtcdConfigurationException e)
            {
                // A value cannot be read: the next revision may mend it.
                LetPass(e, activity);
            }
            catch (Exception e) when (IsFailure(e))
            {
                Telemetry.Failed(activity, e);
                throw;
            }

            return _view!.Revision;
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task TakeAsync(int root, EtcdWatchBatch batch, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            _failures = 0;
            if (_view is not { } view || batch.Revision <= view.Revision)
                return;
            if (batch.Kind == EtcdWatchBatchKind.Progress)
                Confirm(view, batch.Revision);
            else
                await AdvanceAsync(view, root, batch, cancellation).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task AdvanceAsync(StoreView view, int root, EtcdWatchBatch batch, CancellationToken cancellation)
    {
        using Activity? activity = Telemetry.Start("etcd.configuration.reload");
        StoreView next = await _reader.AdvanceAsync(view, root, batch, cancellation).ConfigureAwait(false);
        _view = next;
        try
        {
            Use(next, activity);
        }
        catch (EtcdConfigurationException e)
        {
            LetPass(e, activity);
        }
    }

    private bool IsKnown(long revision)
    {
        if (Volatile.Read(ref _view) is not { } view || view.Revision < revision)
            return false;
        _failures = 0;
        // Without a wait: while somebody has the gate the status is about to be said anew, and there is a next question.
        if (_gate.Wait(0, CancellationToken.None))
        {
            ForgetAbsence();
            _gate.Release();
        }

        return true;
    }

    // What the last load did not find has been heard of since.
    private void ForgetAbsence()
    {
        if (_status is { Origin: EtcdConfigurationOrigin.Etcd, Problem: { } problem } status && IsAbsence(problem))
            _status = status with { Problem = null };
    }

    // With several ranges the others may still have changes to tell of.
    private void Confirm(StoreView view, long revision)
    {
        if (!_feed.IsSingle)
            return;
        _view = view.At(revision);
        ForgetAbsence();
        if (_status is { Origin: EtcdConfigurationOrigin.Etcd, Problem: null })
            _status = _status with { Revision = revision };
    }

    private async Task ForgetViewAsync(CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation).ConfigureAwait(false);
        _view = null;
        _gate.Release();
    }

    private async Task PauseAsync(Exception failure, CancellationToken cancellation)
    {
        int failures = ++_failures;
        TimeSpan pause = AskForPause(failure, failures);
        ConfigurationLog.WatchFailed(_log, failure, pause);
        await Task.Delay(pause, _source.TimeProvider, cancellation).ConfigureAwait(false);
    }

    private TimeSpan AskForPause(Exception failure, int failures)
    {
        TimeSpan usual = TimeSpan.FromSeconds(Math.Min(Math.Pow(2, failures - 1), LongestPause.TotalSeconds));
        try
        {
            TimeSpan pause = _source.OnWatchException?.Invoke(new EtcdWatchExceptionContext(this, failure, failures)) ?? usual;
            return pause < TimeSpan.Zero ? TimeSpan.Zero : pause > LongestPauseAskedFor ? LongestPauseAskedFor : pause;
        }
        catch (Exception e)
        {
            // It is the application's; the watch must go on nevertheless.
            ConfigurationLog.ListenerFailed(_log, e);
            return usual;
        }
    }
}
