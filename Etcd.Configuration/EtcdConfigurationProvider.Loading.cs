using System.Diagnostics;
using Etcd.Client;
using Etcd.Configuration.Diagnostics;
using Etcd.Configuration.Files;
using Etcd.Configuration.Reading;

namespace Etcd.Configuration;

/// <summary>How settings come in, and what becomes of them when they do not.</summary>
public sealed partial class EtcdConfigurationProvider
{
    private async Task LoadAsync(CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            using Activity? activity = Telemetry.Start("etcd.configuration.load");
            try
            {
                await ReadAsync(activity, cancellation).ConfigureAwait(false);
            }
            catch (Exception e) when (IsFailure(e))
            {
                if (!LetPass(e, activity))
                    throw new EtcdConfigurationException($"The configuration could not be loaded from etcd: {e.Message}", e) { Key = KeyOf(e) };
            }

            if (_source.ReloadOnChange)
                _following ??= Task.Run(() => FollowAsync(_stopping.Token), CancellationToken.None);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<bool> ReadAgainAsync(CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            using Activity? activity = Telemetry.Start("etcd.configuration.reload");
            try
            {
                await ReadAsync(activity, cancellation).ConfigureAwait(false);
                return true;
            }
            catch (Exception e) when (IsFailure(e))
            {
                LetPass(e, activity);
                return false;
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    private static bool IsFailure(Exception e) => e is EtcdException or EtcdConfigurationException or TimeoutException;

    private static bool IsAbsence(Exception e) =>
        e is TimeoutException or EtcdUnavailableException or EtcdTimeoutException or EtcdException { IsTransient: true };

    private static string? KeyOf(Exception e) => (e as EtcdConfigurationException)?.Key;

    private async Task ReadAsync(Activity? activity, CancellationToken cancellation)
    {
        StoreView view = await _reader.ReadAsync(cancellation).ConfigureAwait(false);
        _feed.Heard();
        _view = view;
        if (view.IsEmpty && !_loaded && !_source.Optional)
            throw new EtcdConfigurationException($"There is no key in etcd for {this}.");
        Use(view, activity);
    }

    /// <summary>Puts a view to use.</summary>
    /// <exception cref="EtcdConfigurationException">It has a value that cannot be read; the settings are as before.</exception>
    private void Use(StoreView view, Activity? activity)
    {
        Dictionary<string, string?> settings = CallOut(() => _builder.Build(view));
        bool isNew = _status.Origin != EtcdConfigurationOrigin.Etcd || !Same(Data, settings);
        _loaded = true;
        _status = new EtcdConfigurationStatus { Origin = EtcdConfigurationOrigin.Etcd, Revision = view.Revision, Count = settings.Count };
        Telemetry.Loaded(activity, isNew, _status);
        if (!isNew)
            return;
        ConfigurationLog.Loaded(_log, view.Revision, settings.Count);
        Replace(settings);
        Tell();
        _file?.Write(view.Revision, settings);
    }

    /// <summary>Deals with a failure: tells of it, keeps what there is or takes the last known good file.</summary>
    /// <returns>Whether the application goes on.</returns>
    private bool LetPass(Exception failure, Activity? activity)
    {
        Telemetry.Failed(activity, failure);
        LastKnownGood? good = _loaded ? null : _file?.Read();
        var context = new EtcdLoadExceptionContext(this, failure, _loaded)
        {
            Ignore = _loaded || good is not null || (_source.Optional && IsAbsence(failure)),
        };
        CallOut(() => _source.OnLoadException?.Invoke(context));
        if (!_loaded && !context.Ignore)
            return false;
        if (good is not null)
            Adopt(good);
        _status = _status with { Problem = failure };
        ConfigurationLog.LoadFailed(_log, failure, _status.Origin, _status.Revision);
        _loaded = true;
        return true;
    }

    private void Adopt(LastKnownGood good)
    {
        Replace(good.Settings);
        _status = new EtcdConfigurationStatus
        {
            Origin = EtcdConfigurationOrigin.LastKnownGoodFile,
            Revision = good.Revision,
            Count = good.Settings.Count,
        };
    }

    private void Replace(IDictionary<string, string?> settings)
    {
        Interlocked.Increment(ref _version);
        Data = settings;
        Interlocked.Increment(ref _version);
    }

    private void Tell()
    {
        // After the end nobody is told: what listens may be gone.
        if (_stopping.IsCancellationRequested)
            return;
        try
        {
            CallOut(OnReload);
        }
        catch (Exception e)
        {
            // It is the listener's; the next revision must come nevertheless.
            ConfigurationLog.ListenerFailed(_log, e);
        }
    }

    private void CallOut(Action call) => CallOut(() =>
    {
        call();
        return true;
    });

    // What the application does under the gate: a reload in it would wait for itself.
    private T CallOut<T>(Func<T> call)
    {
        Volatile.Write(ref _tellingThread, Environment.CurrentManagedThreadId);
        try
        {
            return call();
        }
        finally
        {
            Volatile.Write(ref _tellingThread, 0);
        }
    }

    private static bool Same(IDictionary<string, string?> left, Dictionary<string, string?> right)
    {
        if (left.Count != right.Count)
            return false;
        foreach ((string name, string? value) in left)
            if (!right.TryGetValue(name, out string? other) || !string.Equals(value, other, StringComparison.Ordinal))
                return false;
        return true;
    }
}
