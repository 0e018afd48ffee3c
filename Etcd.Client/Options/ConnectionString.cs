using System.Data.Common;
using System.Globalization;

namespace Etcd.Client;

/// <summary>Reads connection strings; see <see cref="EtcdClientOptions.Parse"/>.</summary>
internal static class ConnectionString
{
    private delegate void Setter(EtcdClientOptions options, string value);

    private static readonly Dictionary<string, Setter> Setters = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Endpoints"] = AddEndpoints,
        ["Endpoint"] = AddEndpoints,
        ["Username"] = static (o, v) => o.Username = v,
        ["User"] = static (o, v) => o.Username = v,
        ["Password"] = static (o, v) => o.Password = v,
        ["Token"] = static (o, v) => o.Token = v,
        ["Namespace"] = static (o, v) => o.Namespace = v,
        ["Timeout"] = static (o, v) => o.Timeout = Time(v),
        ["ConnectTimeout"] = static (o, v) => o.ConnectTimeout = Time(v),
        ["KeepAliveInterval"] = static (o, v) => o.KeepAliveInterval = Time(v),
        ["KeepAliveTimeout"] = static (o, v) => o.KeepAliveTimeout = Time(v),
        ["EndpointSyncInterval"] = static (o, v) => o.EndpointSyncInterval = Time(v),
        ["RequireLeader"] = static (o, v) => o.RequireLeader = bool.Parse(v),
        ["MaxReceiveMessageSize"] = static (o, v) => o.MaxReceiveMessageSize = int.Parse(v, CultureInfo.InvariantCulture),
        ["CaFile"] = static (o, v) => Tls(o).CaFile = v,
        ["CertFile"] = static (o, v) => Tls(o).CertFile = v,
        ["KeyFile"] = static (o, v) => Tls(o).KeyFile = v,
        ["ServerName"] = static (o, v) => Tls(o).ServerName = v,
        ["SkipServerVerification"] = static (o, v) => Tls(o).SkipServerVerification = bool.Parse(v),
    };

    public static EtcdClientOptions Parse(string connectionString)
    {
        var options = new EtcdClientOptions();
        Apply(options, connectionString);
        return options;
    }

    public static void Apply(EtcdClientOptions options, string connectionString)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);
        if (IsPairs(connectionString))
            ReadPairs(options, connectionString);
        else
            AddEndpoints(options, connectionString);
    }

    // A URI may have a '=' in it, but none before its first ':' or '/'.
    private static bool IsPairs(string text)
    {
        int at = text.AsSpan().IndexOfAny('=', ':', '/');
        return at >= 0 && text[at] == '=';
    }

    private static void ReadPairs(EtcdClientOptions options, string text)
    {
        DbConnectionStringBuilder pairs;
        try
        {
            pairs = new DbConnectionStringBuilder { ConnectionString = text };
        }
        catch (ArgumentException e)
        {
            throw new FormatException("The connection string does not consist of key=value pairs with ';' between them.", e);
        }

        foreach (string key in pairs.Keys)
            Set(options, key, (string)pairs[key]);
    }

    // The value is not told: it may be a password.
    private static void Set(EtcdClientOptions options, string key, string value)
    {
        if (!Setters.TryGetValue(key, out Setter? set))
            throw new FormatException($"The connection string has the key '{key}', which does not exist. There are: {string.Join(", ", Setters.Keys)}.");
        try
        {
            set(options, value);
        }
        catch (Exception e) when (e is FormatException or OverflowException)
        {
            throw new FormatException($"The connection string's value of '{key}' does not fit.", e);
        }
    }

    private static void AddEndpoints(EtcdClientOptions options, string list)
    {
        foreach (string part in list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            options.Endpoints.Add(TakeUser(options, part));
    }

    // etcd://user:password@host:2379
    private static string TakeUser(EtcdClientOptions options, string endpoint)
    {
        if (!endpoint.Contains('@', StringComparison.Ordinal) || !Uri.TryCreate(endpoint, UriKind.Absolute, out Uri? uri) || uri.UserInfo.Length == 0)
            return endpoint;
        string[] parts = uri.UserInfo.Split(':', 2);
        options.Username = Uri.UnescapeDataString(parts[0]);
        options.Password = parts.Length == 2 ? Uri.UnescapeDataString(parts[1]) : "";
        return $"{uri.Scheme}://{uri.Authority}{uri.PathAndQuery}";
    }

    /// <summary>Seconds, or hh:mm:ss.</summary>
    private static TimeSpan Time(string text) => double.TryParse(text, CultureInfo.InvariantCulture, out double seconds)
        ? seconds < 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(seconds)
        : TimeSpan.Parse(text, CultureInfo.InvariantCulture);

    private static EtcdTlsOptions Tls(EtcdClientOptions options) => options.Tls ??= new EtcdTlsOptions();
}
