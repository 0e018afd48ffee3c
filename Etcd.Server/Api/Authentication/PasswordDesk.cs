using System.Security.Cryptography;
using System.Text;
using Etcd.Protocol.Errors;
using Etcd.Server.Auth;

namespace Etcd.Server.Api.Authentication;

/// <summary>
/// Hashes passwords and compares them, which costs tens of milliseconds of a core each: no more of either at a time than there are cores
/// but one, so that requests which only wait for a thread are served meanwhile, and no more wait than can be answered in time. Any thread.
/// <para>A password that was right is remembered for the hash that it was right for, as an HMAC under a key that never leaves the process:
/// a client that signs in again and again costs that once. A changed password has another hash and is compared anew.</para>
/// </summary>
internal sealed class PasswordDesk : IDisposable
{
    // Users who sign in again; what is beyond is forgotten at once, and only costs time.
    private const int RememberedMax = 4096;

    // Beyond: "too many requests". At the default cost that is about what one core does in etcd's request timeout.
    private const int WaitingMax = 128;

    private readonly SemaphoreSlim _hashing = new(Math.Max(1, Environment.ProcessorCount - 1));
    private readonly SemaphoreSlim _comparing = new(Math.Max(1, Environment.ProcessorCount - 1));
    private int _waiting;
    private readonly Dictionary<string, byte[]> _right = new(StringComparer.Ordinal);
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly int _cost;

    /// <summary>A desk.</summary>
    /// <param name="cost">The cost of hashing a new password.</param>
    public PasswordDesk(int cost) => _cost = cost;

    /// <summary>Hashes a new password.</summary>
    /// <param name="password">The password, not too long.</param>
    /// <param name="cancellation">The caller no longer waits.</param>
    public Task<byte[]> HashAsync(string password, CancellationToken cancellation) =>
        WorkAsync(_hashing, () => PasswordHash.Make(password, _cost), cancellation);

    /// <summary>Whether a password is the one of a hash.</summary>
    /// <param name="hash">The hash.</param>
    /// <param name="password">The password.</param>
    /// <param name="cancellation">The caller no longer waits.</param>
    public async ValueTask<bool> MatchesAsync(byte[] hash, string password, CancellationToken cancellation)
    {
        string name = Encoding.ASCII.GetString(hash);
        byte[] proof = HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes($"{name}\n{password}"));
        if (IsRemembered(name, proof))
            return true;

        bool right = await WorkAsync(_comparing, () => PasswordHash.Matches(hash, password), cancellation).ConfigureAwait(false);
        if (right)
            Remember(name, proof);

        return right;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _hashing.Dispose();
        _comparing.Dispose();
    }

    private async Task<T> WorkAsync<T>(SemaphoreSlim seats, Func<T> work, CancellationToken cancellation)
    {
        if (Interlocked.Increment(ref _waiting) > WaitingMax)
        {
            Interlocked.Decrement(ref _waiting);
            throw EtcdErrors.TooManyRequests.ToException();
        }

        try
        {
            await seats.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                return await Task.Run(work, CancellationToken.None).ConfigureAwait(false);
            }
            finally
            {
                seats.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private bool IsRemembered(string hash, byte[] proof)
    {
        lock (_right)
        {
            return _right.TryGetValue(hash, out byte[]? known) && CryptographicOperations.FixedTimeEquals(known, proof);
        }
    }

    private void Remember(string hash, byte[] proof)
    {
        lock (_right)
        {
            if (_right.Count >= RememberedMax && !_right.ContainsKey(hash))
                _right.Clear();

            _right[hash] = proof;
        }
    }
}
