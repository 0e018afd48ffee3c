namespace Etcd.Configuration;

/// <summary>What is in etcd is no configuration, or cannot be had. Messages name keys, never values.</summary>
public sealed class EtcdConfigurationException : Exception
{
    /// <summary>Makes an exception without more than a general message.</summary>
    public EtcdConfigurationException()
        : this("The configuration could not be loaded from etcd.")
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    public EtcdConfigurationException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    public EtcdConfigurationException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>The key whose value cannot be read; null where it is about no key.</summary>
    public string? Key { get; init; }
}
