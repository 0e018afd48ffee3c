using System.Diagnostics.CodeAnalysis;
using Etcd.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Etcd.Configuration;

/// <summary>
/// Settings that are in etcd. They are read at one revision when the configuration is built, which waits for it, and with
/// <see cref="ReloadOnChange"/> follow what happens then: one revision of etcd is one reload.
/// </summary>
/// <example>
/// <code>
/// builder.Configuration.AddEtcd(source =>
/// {
///     source.ConnectionString = "Endpoints=http://a:2379,http://b:2379;Username=app;Password=secret";
///     source.AddPrefix("config/common/").AddPrefix("config/orders/");
///     source.ReloadOnChange = true;
///     source.LastKnownGoodFile = "/var/lib/orders/settings.json";
/// });
/// </code>
/// </example>
public sealed class EtcdConfigurationSource : IConfigurationSource
{
    /// <summary>How to connect; see <see cref="EtcdClientOptions.Parse"/>.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>How to connect, in place of <see cref="ConnectionString"/>.</summary>
    public EtcdClientOptions? ClientOptions { get; set; }

    /// <summary>
    /// Makes the client, in place of <see cref="ConnectionString"/> and <see cref="ClientOptions"/>. Each provider has one, which ends with it.
    /// </summary>
    public Func<ILoggerFactory, IEtcdClient>? ClientFactory { get; set; }

    /// <summary>
    /// Which keys are settings. Where two of them have the same setting the later one's counts, as it does with configuration sources. All are
    /// read at the same revision, always.
    /// </summary>
    [SuppressMessage("Usage", "CA2227:Collection properties should be read only", Justification = "As the lists of other sources.")]
    public IList<EtcdKeySelection> Selections { get; set; } = [];

    /// <summary>What separates the parts of a key; it becomes the <c>:</c> of a setting's name. <c>/</c> by default.</summary>
    public string KeyDelimiter { get; set; } = "/";

    /// <summary>
    /// Changes a setting's name, which is complete and has <c>:</c> between its parts, before it is used; null leaves the setting out.
    /// </summary>
    public Func<string, string?>? MapName { get; set; }

    /// <summary>
    /// Whether the application may start without: where no member of etcd can be reached in time, or there is no key. A value that cannot be
    /// read, or a user that may not read, is an error nevertheless. False by default.
    /// </summary>
    public bool Optional { get; set; }

    /// <summary>
    /// Whether changes are seen while the application runs. False by default, as with files. With it, an application that has started without
    /// etcd gets its settings as soon as etcd is there.
    /// </summary>
    public bool ReloadOnChange { get; set; }

    /// <summary>How long a load may take, attempts and endpoints together. The default is 10 seconds.</summary>
    public TimeSpan LoadTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// With <see cref="ReloadOnChange"/>: how long etcd may be silent before the watch is given up and begun anew, and the health check says so.
    /// Members are asked for a sign of life four times as often. The default is one minute.
    /// </summary>
    public TimeSpan StaleAfter { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// A file that the settings are written to whenever they have changed, and taken from when the application starts and etcd cannot be
    /// reached or has a value that cannot be read. Only its owner may read it (on Windows: whom the folder's rights let). Null for none.
    /// </summary>
    public string? LastKnownGoodFile { get; set; }

    /// <summary>
    /// Is told when the first load fails, and may decide what that means; then of every load that was asked for and fails, and of every revision
    /// with a value that cannot be read.
    /// </summary>
    public Action<EtcdLoadExceptionContext>? OnLoadException { get; set; }

    /// <summary>
    /// Is told when the watch has failed or could not be begun, and says how long to wait before the next attempt. Null for a second that
    /// doubles with each failure in a row, up to 30. A negative pause is none, and none is longer than a day. The settings stay as they are meanwhile.
    /// </summary>
    public Func<EtcdWatchExceptionContext, TimeSpan>? OnWatchException { get; set; }

    /// <summary>
    /// Where the provider and its client log. Null keeps what is logged until the application's logging is there; see
    /// <c>IServiceCollection.AddEtcdConfiguration</c>.
    /// </summary>
    public ILoggerFactory? LoggerFactory { get; set; }

    /// <summary>The clock. The system's by default.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>Adds the keys below a prefix, which overrides those added before; see <see cref="EtcdKeySelection.Prefix"/>.</summary>
    public EtcdConfigurationSource AddPrefix(string prefix, EtcdValueFormat format = EtcdValueFormat.Raw, string? section = null)
    {
        Selections.Add(EtcdKeySelection.Prefix(prefix, format, section));
        return this;
    }

    /// <summary>Adds one key, which overrides those added before; see <see cref="EtcdKeySelection.Key"/>.</summary>
    public EtcdConfigurationSource AddKey(string key, EtcdValueFormat format = EtcdValueFormat.Raw, string? section = null)
    {
        Selections.Add(EtcdKeySelection.Key(key, format, section));
        return this;
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The source does not say where etcd is, or which keys, or says it twice.</exception>
    public IConfigurationProvider Build(IConfigurationBuilder builder)
    {
        Validate();
        return new EtcdConfigurationProvider(Copy());
    }

    internal IEtcdClient CreateClient(ILoggerFactory logging)
    {
        if (ClientFactory is not null)
            return ClientFactory(logging);
        return new EtcdClient(ClientOptions ?? EtcdClientOptions.Parse(ConnectionString!), logging);
    }

    private static bool IsTimeout(TimeSpan value) => value > TimeSpan.Zero || value == Timeout.InfiniteTimeSpan;

    // A provider lives longer than the delegate that set the source up.
    private EtcdConfigurationSource Copy()
    {
        var copy = (EtcdConfigurationSource)MemberwiseClone();
        copy.Selections = [.. Selections];
        return copy;
    }

    private void Validate()
    {
        int ways = (ConnectionString is null ? 0 : 1) + (ClientOptions is null ? 0 : 1) + (ClientFactory is null ? 0 : 1);
        Require(ways == 1, "Set one of ConnectionString, ClientOptions and ClientFactory.");
        Require(Selections is { Count: > 0 }, "Say which keys are settings, with AddPrefix or AddKey.");
        Require(!string.IsNullOrEmpty(KeyDelimiter), "KeyDelimiter must not be empty.");
        Require(IsTimeout(LoadTimeout), "LoadTimeout must be positive, or infinite.");
        Require(IsTimeout(StaleAfter), "StaleAfter must be positive, or infinite.");
        Require(TimeProvider is not null, "TimeProvider must not be null.");
    }

    private static void Require([DoesNotReturnIf(false)] bool holds, string otherwise)
    {
        if (!holds)
            throw new InvalidOperationException("The configuration source of etcd is not complete: " + otherwise);
    }
}
