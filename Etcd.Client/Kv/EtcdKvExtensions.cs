using System.Runtime.CompilerServices;
using System.Text.Json.Serialization.Metadata;

namespace Etcd.Client;

/// <summary>Shorter forms of what <see cref="IEtcdKv"/> does, and typed values.</summary>
public static class EtcdKvExtensions
{
    /// <summary>
    /// Reads a range of any size, ordered by key, all at one revision; see <see cref="IEtcdKv.ListPagesAsync"/>.
    /// </summary>
    /// <example>
    /// <code>
    /// await foreach (EtcdKeyValue item in client.Kv.ListAsync(EtcdRange.Prefix("config/")))
    ///     Console.WriteLine($"{item.Key} = {item.Value}");
    /// </code>
    /// </example>
    public static async IAsyncEnumerable<EtcdKeyValue> ListAsync(
        this IEtcdKv kv, EtcdRange range, EtcdListOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(kv);
        await foreach (EtcdPage page in kv.ListPagesAsync(range, options, cancellationToken).ConfigureAwait(false))
            foreach (EtcdKeyValue item in page.Items)
                yield return item;
    }

    /// <summary>Deletes one key.</summary>
    /// <returns>Whether it existed.</returns>
    public static async ValueTask<bool> DeleteAsync(this IEtcdKv kv, EtcdKey key, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(kv);
        return (await kv.DeleteAsync(EtcdRange.Single(key), null, cancellationToken).ConfigureAwait(false)).Deleted != 0;
    }

    /// <summary>Writes a key with a value of any type.</summary>
    public static ValueTask<EtcdPutResult> PutAsync<T>(
        this IEtcdKv kv, EtcdKey key, T value, IEtcdSerializer<T> serializer, EtcdPutOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(kv);
        return kv.PutAsync(key, serializer.Write(value), options, cancellationToken);
    }

    /// <summary>Writes a key with a value as JSON.</summary>
    /// <example>
    /// <code>
    /// await client.Kv.PutJsonAsync("settings", new Settings("blue"), AppJson.Default.Settings);
    /// </code>
    /// </example>
    public static ValueTask<EtcdPutResult> PutJsonAsync<T>(
        this IEtcdKv kv, EtcdKey key, T value, JsonTypeInfo<T> type, EtcdPutOptions? options = null, CancellationToken cancellationToken = default) =>
        PutAsync(kv, key, value, EtcdSerializer.Json(type), options, cancellationToken);

    /// <summary>Reads a key's value of any type; the default value where the key does not exist.</summary>
    public static async ValueTask<T?> GetAsync<T>(
        this IEtcdKv kv, EtcdKey key, IEtcdSerializer<T> serializer, EtcdGetOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(kv);
        EtcdKeyValue? found = await kv.GetAsync(key, options, cancellationToken).ConfigureAwait(false);
        return found is null ? default : found.Read(serializer);
    }

    /// <summary>Reads a key's value as JSON; the default value where the key does not exist.</summary>
    public static ValueTask<T?> GetJsonAsync<T>(
        this IEtcdKv kv, EtcdKey key, JsonTypeInfo<T> type, EtcdGetOptions? options = null, CancellationToken cancellationToken = default) =>
        GetAsync(kv, key, EtcdSerializer.Json(type), options, cancellationToken);
}
