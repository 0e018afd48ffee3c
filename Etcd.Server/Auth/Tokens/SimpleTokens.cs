using System.Collections.Concurrent;
using System.Globalization;
using Etcd.Server.Primitives;

namespace Etcd.Server.Auth.Tokens;

/// <summary>
/// Tokens that members keep: 16 random letters, a dot, and the index of the entry before the one by which the user signed in, such as
/// <c>sJqKLuEVgNoRtWye.41</c> by entry 42. (etcd takes the index that its database is at while it applies the entry; members of both kinds
/// must give the same.) Every member that applies that entry knows it from then on, until it has not been used there for its time
/// to live, or the member starts again. Any thread.
/// </summary>
public sealed class SimpleTokens : ITokens
{
    private const int PrefixLength = 16;
    // etcd's simpleTokenTTLResolution. What is too old does not count meanwhile either.
    private static readonly TimeSpan Sweep = TimeSpan.FromSeconds(1);

    private const string Letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    private readonly ConcurrentDictionary<string, Holder> _holders = new(StringComparer.Ordinal);
    private readonly TimeProvider _clock;
    private readonly long _lifetime;
    private readonly Func<int, int> _random;
    private readonly LogIndex _replayed;
    private long _lookedAt;

    /// <summary>No tokens yet.</summary>
    /// <param name="clock">For their age.</param>
    /// <param name="lifetime">How long a token lives that is not used (--auth-token-ttl); zero for the default of 300 s.</param>
    /// <param name="random">A number below its argument that nobody can guess.</param>
    /// <param name="replayed">The last entry that is applied again at a start: what was signed in by those is of the past.</param>
    public SimpleTokens(TimeProvider clock, TimeSpan lifetime, Func<int, int> random, LogIndex replayed = default)
    {
        ArgumentNullException.ThrowIfNull(clock);
        _clock = clock;
        _lifetime = (long)((lifetime > TimeSpan.Zero ? lifetime : Limits.SimpleTokenLifetime).TotalSeconds * clock.TimestampFrequency);
        _random = random;
        _replayed = replayed;
    }

    /// <summary>How many there are.</summary>
    public int Count => _holders.Count;

    /// <inheritdoc/>
    public string NewPrefix() => string.Create(PrefixLength, _random, static (letters, random) =>
    {
        for (int i = 0; i < letters.Length; i++)
            letters[i] = Letters[random(Letters.Length)];
    });

    /// <inheritdoc/>
    public string? Assign(string username, string prefix, LogIndex index)
    {
        string token = string.Create(CultureInfo.InvariantCulture, $"{prefix}.{index.Value - 1}");
        if (index > _replayed)
            _holders[token] = new Holder(username, _clock.GetTimestamp() + _lifetime);

        return token;
    }

    /// <summary>There is nothing to sign: a token that was applied has been given.</summary>
    public string Sign(string username, ulong revision) => throw new InvariantException("a simple token is given by the log");

    /// <inheritdoc/>
    public LogIndex OriginOf(string token)
    {
        ArgumentNullException.ThrowIfNull(token);
        int dot = token.IndexOf('.', StringComparison.Ordinal);
        return dot >= 0 && ulong.TryParse(token.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ulong before) && before < ulong.MaxValue
            ? new LogIndex(before + 1)
            : LogIndex.Zero;
    }

    /// <inheritdoc/>
    public bool TryFind(string token, ulong revision, out AuthInfo who)
    {
        long now = _clock.GetTimestamp();
        if (_holders.TryGetValue(token, out Holder? holder) && holder.UseAt(now, now + _lifetime))
        {
            who = new AuthInfo(holder.Username, revision);
            return true;
        }

        who = AuthInfo.Nobody;
        return false;
    }

    /// <inheritdoc/>
    public void InvalidateUser(string username)
    {
        foreach ((string token, Holder holder) in _holders)
        {
            if (holder.Username == username)
                _holders.TryRemove(token, out _);
        }
    }

    /// <inheritdoc/>
    public void Clear() => _holders.Clear();

    /// <inheritdoc/>
    public void RunOnce()
    {
        long now = _clock.GetTimestamp();
        if (_clock.GetElapsedTime(_lookedAt, now) < Sweep)
            return;

        _lookedAt = now;
        foreach ((string token, Holder holder) in _holders)
        {
            if (holder.IsExpiredAt(now))
                _holders.TryRemove(token, out _);
        }
    }

    private sealed class Holder(string username, long expiry)
    {
        private long _expiry = expiry;

        public string Username { get; } = username;

        public bool IsExpiredAt(long now) => Volatile.Read(ref _expiry) < now;

        public bool UseAt(long now, long expiry)
        {
            if (IsExpiredAt(now))
                return false;

            Volatile.Write(ref _expiry, expiry);
            return true;
        }
    }
}
