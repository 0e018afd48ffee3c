using Grpc.Core;

namespace Etcd.Client;

/// <summary>Transactions that are written as functions.</summary>
public static class EtcdStmExtensions
{
    /// <summary>
    /// Runs a function whose reads and writes are one transaction: none of its writes is made, or all, and only if what it has read is
    /// still so, by the isolation that the options say. Where it is not, the function runs again: it should have no other effects.
    /// </summary>
    /// <param name="kv">Where.</param>
    /// <param name="function">The function. An exception of it ends the transaction, and nothing is written.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What the function has given in the attempt that succeeded.</returns>
    /// <exception cref="EtcdException">
    /// A request failed, or there were more attempts than allowed. <see cref="EtcdException.OutcomeUnknown"/> tells whether the writes
    /// may have been made.
    /// </exception>
    /// <example>
    /// <code>
    /// await client.Kv.RunStmAsync(async stm =>
    /// {
    ///     int from = int.Parse((await stm.GetAsync("accounts/a")).ToString()!);
    ///     int to = int.Parse((await stm.GetAsync("accounts/b")).ToString()!);
    ///     stm.Put("accounts/a", $"{from - 10}");
    ///     stm.Put("accounts/b", $"{to + 10}");
    /// });
    /// </code>
    /// </example>
    public static async ValueTask<T> RunStmAsync<T>(
        this IEtcdKv kv, Func<EtcdStm, ValueTask<T>> function, EtcdStmOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(kv);
        ArgumentNullException.ThrowIfNull(function);
        options ??= new EtcdStmOptions();
        StmConflict? last = null;
        for (int attempt = 1; options.MaxAttempts is not { } most || attempt <= most; attempt++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var stm = new EtcdStm(kv, options, last, cancellationToken);
            last = null;
            try
            {
                if (options.Prefetch.Count != 0)
                    await stm.LoadAsync(options.Prefetch).ConfigureAwait(false);
                T result = await function(stm).ConfigureAwait(false);
                if (stm.IsOutdated)
                    continue;
                last = await stm.CommitAsync().ConfigureAwait(false);
                if (last is null)
                    return result;
            }
            catch (EtcdCompactedException) when (stm.IsOutdated)
            {
                // The history that the reads need is gone: once more, at a new revision.
            }
        }

        throw ErrorMapper.Make(new Failure
        {
            Message = $"Others were in the way of the transaction in each of {options.MaxAttempts} attempts.",
            Code = StatusCode.Aborted,
            IsTransient = true,
        });
    }

    /// <inheritdoc cref="RunStmAsync{T}"/>
    public static async ValueTask RunStmAsync(
        this IEtcdKv kv, Func<EtcdStm, ValueTask> function, EtcdStmOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(function);
        await kv.RunStmAsync(
            async stm =>
            {
                await function(stm).ConfigureAwait(false);
                return true;
            },
            options,
            cancellationToken).ConfigureAwait(false);
    }
}
