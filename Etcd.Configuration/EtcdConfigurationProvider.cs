using Etcd.Client;
using Etcd.Configuration.Diagnostics;
using Etcd.Configuration.Files;
using Etcd.Configuration.Mapping;
using Etcd.Configuration.Reading;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Etcd.Configuration;

/// <summary>
/// The settings of one <see cref="EtcdConfigurationSource"/>. Safe for concurrent use.
/// <para>
/// The settings are always those of one revision: they are replaced as a whole, then whoever listens for changes is told, and the next
/// revision waits until that is done. So options that are bound when told (<c>IOptionsMonitor</c> does that) never mix two revisions.
/// Whoever reads several settings at a time of its own can meet a replacement between two of them;
/// <c>IConfigurationRoot.ReadAtOneRevision</c> prevents that.
/// </para>
/// <para>
/// Listeners, <see cref="EtcdConfigurationSource.OnLoadException"/>, <see cref="EtcdConfigurationSource.MapName"/> and parsers are called while
/// no other revision can come in. A load or reload that they ask for on their own thread does nothing; they must not wait for one on another
/// thread, as that waits for them.
/// </para>
/// <para>Nothing that fails empties the settings: what was good stays until something better is there.</para>
/// </summary>
public sealed partial class EtcdConfigurationProvider : ConfigurationProvider, IDisposable, IAsyncDisposable
{
    private readonly EtcdConfigurationSource _source;
    private readonly LateLoggerFactory _logging;
    private readonly ILogger _log;
    private readonly IEtcdClient _client;
    private readonly StoreReader _reader;
    private readonly ChangeFeed _feed;
    private readonly SettingsBuilder _builder;
    private readonly LastKnownGoodFile? _file;
    private readonly CancellationTokenSource _stopping = new();

    private readonly Lazy<Task> _ended;

    // Held while settings are read, replaced and told of; what is below changes under it only.
    private readonly SemaphoreSlim _gate = new(1, 1);
    private StoreView? _view;
    private Task? _following;
    private bool _loaded;
    private volatile int _failures;
    private volatile EtcdConfigurationStatus _status = new();
    private long _version;
    private int _tellingThread;

    internal EtcdConfigurationProvider(EtcdConfigurationSource source)
    {
        _source = source;
        _logging = new LateLoggerFactory(source.LoggerFactory);
        _log = _logging.CreateLogger(EtcdConfigurationTelemetry.LogCategory);
        SelectedKeys[] selections = [.. source.Selections.Select(s => new SelectedKeys(s, source.KeyDelimiter))];
        EtcdRange[] roots = Roots.Of(selections);
        _client = source.CreateClient(_logging);
        _reader = new StoreReader(_client, roots, source.LoadTimeout, source.TimeProvider);
        _feed = new ChangeFeed(_client, roots, source.StaleAfter, source.TimeProvider);
        _builder = new SettingsBuilder(selections, source.MapName, _log);
        if (source.LastKnownGoodFile is { } path)
            _file = new LastKnownGoodFile(path, Describe(source), source.TimeProvider, _log);
        _ended = new Lazy<Task>(EndAsync);
        Telemetry.Add(this);
    }

    /// <summary>How the provider is.</summary>
    public EtcdConfigurationStatus Status
    {
        get
        {
            EtcdConfigurationStatus status = _status;
            return _feed.OldestWord is { } word ? status with { Age = _source.TimeProvider.GetElapsedTime(word) } : status;
        }
    }

    /// <summary>Which keys are settings, for people and metrics.</summary>
    internal string Name => string.Join(",", _source.Selections.Select(s => s.Name));

    /// <summary>How long the settings may be unconfirmed; null where nobody watches.</summary>
    internal TimeSpan? StaleAfter => _source.ReloadOnChange && _source.StaleAfter != Timeout.InfiniteTimeSpan ? _source.StaleAfter : null;

    /// <summary>Goes up when a replacement of the settings begins and when it has ended: odd while it happens.</summary>
    internal long Version => Volatile.Read(ref _version);

    /// <summary>Reads the settings and waits for them, and begins to follow their changes where that is asked for.</summary>
    /// <exception cref="EtcdConfigurationException">They cannot be had, and nothing can take their place.</exception>
    public override void Load()
    {
        ObjectDisposedException.ThrowIf(_stopping.IsCancellationRequested, this);
        if (IsTelling)
            return;
        // Configuration loads synchronously, so the caller must wait. It waits for work on the thread pool, none of which ever needs the
        // caller: not its synchronization context, which could not run anything while it waits here, nor a lock that it holds. Where
        // the caller is a thread of the pool itself, the runtime adds another for as long as this wait for a task lasts, so that
        // many loads at a time do not take each other's threads away.
        Task.Run(() => LoadAsync(_stopping.Token)).GetAwaiter().GetResult();
    }

    /// <summary>
    /// Reads the settings now, whether or not changes are followed. A failure is told as one of any load is, and leaves the settings as they are.
    /// </summary>
    /// <returns>
    /// Whether the settings are now what etcd has. True without a look for a listener or parser that is called by the provider itself.
    /// </returns>
    public async Task<bool> ReloadAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_stopping.IsCancellationRequested, this);
        if (IsTelling)
            return true;
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
        return await ReadAgainAsync(both.Token).ConfigureAwait(false);
    }

    /// <summary>For people: which keys, and whether the application needs them.</summary>
    public override string ToString() =>
        $"{nameof(EtcdConfigurationProvider)} for {string.Join(", ", _source.Selections)} ({(_source.Optional ? "Optional" : "Required")})";

    /// <summary>Ends the watch and the client. The settings stay readable and change no more.</summary>
    public void Dispose() => _ = _ended.Value;

    /// <summary>As <see cref="Dispose"/>, and waits until all has ended.</summary>
    public ValueTask DisposeAsync() => new(_ended.Value);

    internal void UseLogging(ILoggerFactory logging) => _logging.Use(logging);

    // Whoever is called from under the gate on this thread would wait for itself; who is told of a change has the new settings already.
    private bool IsTelling => Volatile.Read(ref _tellingThread) == Environment.CurrentManagedThreadId;

    private static string Describe(EtcdConfigurationSource source) => string.Join(
        "\n", source.Selections.Select(s => $"{(s.IsSingle ? "key" : "prefix")} {s.Name} {s.Format} {s.Section}").Prepend(source.KeyDelimiter));

    private async Task EndAsync()
    {
        Telemetry.Remove(this);
        await _stopping.CancelAsync().ConfigureAwait(false);
        await (_following ?? Task.CompletedTask).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _client.DisposeAsync().ConfigureAwait(false);
    }
}
