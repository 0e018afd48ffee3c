namespace Etcd.Client;

/// <summary>One lease that is kept alive, for one or more keepers. The hub's lock guards it. Times are timestamps of the hub's clock.</summary>
internal sealed class KeptLease(EtcdLeaseId id)
{
    private const int RenewalsPerTimeToLive = 3;
    private const int MarginPart = 10;

    private static readonly TimeSpan MarginMax = TimeSpan.FromSeconds(1);

    public EtcdLeaseId Id { get; } = id;

    public List<EtcdLeaseKeeper> Keepers { get; } = [];

    /// <summary>Those who want it renewed; the others only want to know when it is lost.</summary>
    public int Renewers { get; set; }

    public TimeSpan TimeToLive { get; private set; }

    /// <summary>When it counts as lost.</summary>
    public long LostAt { get; private set; }

    /// <summary>When it is to be renewed.</summary>
    public long RenewAt { get; set; }

    /// <summary>When the renewal that is under way was sent; null where none is.</summary>
    public long? SentAt { get; set; }

    /// <summary>When something is to be done next.</summary>
    public long DueAt => Renewers == 0 ? LostAt : Math.Min(LostAt, SentAt is { } sent ? sent + Third(TimeToLive) : RenewAt);

    private long Frequency { get; set; }

    /// <summary>A renewal, or the grant, that was sent then has succeeded.</summary>
    public void Renewed(long sentAt, TimeSpan timeToLive, TimeProvider time)
    {
        Frequency = time.TimestampFrequency;
        TimeToLive = timeToLive;
        TimeSpan margin = timeToLive / MarginPart;
        if (margin > MarginMax)
            margin = MarginMax;
        // An answer may be overtaken by that to an earlier request; the lease never gets shorter by it.
        LostAt = Math.Max(LostAt, sentAt + Ticks(timeToLive - margin));
        RenewAt = sentAt + Third(timeToLive);
        SentAt = null;
    }

    /// <summary>Whether the renewal that is under way should have been answered.</summary>
    public bool IsOverdue(long now) => SentAt is { } sent && now >= sent + Third(TimeToLive);

    private long Third(TimeSpan timeToLive) => Ticks(timeToLive / RenewalsPerTimeToLive);

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * Frequency);
}
