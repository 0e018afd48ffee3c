namespace Etcd.Configuration;

/// <summary>How a provider is.</summary>
public sealed record EtcdConfigurationStatus
{
    /// <summary>Where the settings in use come from.</summary>
    public EtcdConfigurationOrigin Origin { get; init; }

    /// <summary>The settings in use are those that etcd had at this revision; 0 where they come from nowhere.</summary>
    public long Revision { get; init; }

    /// <summary>
    /// How long ago etcd was last heard of: until then the settings are certain to be the newest, but for <see cref="Problem"/>. Null where it
    /// was never reached in this process.
    /// </summary>
    public TimeSpan? Age { get; init; }

    /// <summary>How many settings there are.</summary>
    public int Count { get; init; }

    /// <summary>Why the settings in use are not what etcd has, where that is known: a value that cannot be read, or a failed load.</summary>
    public Exception? Problem { get; init; }
}

/// <summary>Where settings come from.</summary>
public enum EtcdConfigurationOrigin
{
    /// <summary>There are none: etcd was not there, and the source is optional.</summary>
    None,

    /// <summary>From etcd.</summary>
    Etcd,

    /// <summary>From the last known good file, as etcd was not there or had a value that could not be read.</summary>
    LastKnownGoodFile,
}
