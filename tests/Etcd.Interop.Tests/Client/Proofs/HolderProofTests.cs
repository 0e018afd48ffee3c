using System.Collections.Concurrent;
using Etcd.Client;
using Etcd.Client.Tests.Suites;
using Etcd.TestKit.Network;
using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Client.Proofs;

/// <summary>
/// Goal: at no time do two holders have a lock, or leaders lead: neither as they see it themselves, nor as the store sees their fencing tokens.
/// Method: each contender's session is behind a proxy of its own, which fails while it holds; its guarded writes go another way, so that a holder
/// which has lost its lease still reaches the store. ETCD_PROOF=full makes it longer.
/// </summary>
public sealed class HolderProofTests : ClientSuite
{
    private const int Contenders = 4;

    private static readonly int Terms = ProofSize.Of(6, 150);
    private static readonly TimeSpan TimeToLive = TimeSpan.FromSeconds(2);

    private readonly ConcurrentBag<(long Revision, long Fence)> _accepted = [];
    private readonly Contender[] _contenders = [.. Enumerable.Range(0, Contenders).Select(_ => new Contender())];
    private ServerProcess? _server;
    private int _terms;
    private int _lost;
    private int _refused;

    protected override string Url => _server!.ClientUrl;

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task No_two_hold_at_a_time(bool lockNotElection, bool ours)
    {
        if (!ours)
        {
            RealEtcd.Require();
        }

        _server = Keep(await ServerProcess.StartAsync(ours ? ServerProgram.Ours : ServerProgram.Real, [], Token));
        EtcdClient direct = NewClient();
        using var longest = CancellationTokenSource.CreateLinkedTokenSource(Token);
        longest.CancelAfter(TimeSpan.FromMinutes(ProofSize.Of(3, 30)));
        await Task.WhenAll(_contenders.Select(contender => ContendAsync(contender, direct, lockNotElection, longest.Token)));

        TestContext.Current.SendDiagnosticMessage(
            $"{_terms} terms, {_lost} lost, {_accepted.Count} writes accepted and {_refused} refused");
        long[] fences = [.. _accepted.OrderBy(write => write.Revision).Select(write => write.Fence)];
        Assert.Equal(fences.Order(), fences);
        Assert.True(fences.Distinct().Count() >= Terms / 2, $"{fences.Distinct().Count()} holders");
        Assert.True(_lost > 0 && _refused > 0, $"{_lost} holders lost what they held, {_refused} writes came too late");
    }

    private async Task ContendAsync(Contender contender, EtcdClient direct, bool lockNotElection, CancellationToken cancellation)
    {
        FaultProxy proxy = NewProxy();
        EtcdClient client = NewClient(proxy.Url, options =>
        {
            options.Timeout = TimeSpan.FromSeconds(1);
            options.Retry.MaxDelay = TimeSpan.FromMilliseconds(100);
        });
        int term;
        while ((term = Interlocked.Increment(ref _terms)) <= Terms)
        {
            int fault = term % 4;
            Holding? holding = null;
            while (holding is null)
            {
                holding = await TryHoldAsync(client, lockNotElection, cancellation);
            }

            await HoldAsync(contender, holding, proxy, fault, direct, cancellation);
        }
    }

    private async Task HoldAsync(
        Contender contender, Holding holding, FaultProxy proxy, int fault, EtcdClient direct, CancellationToken cancellation)
    {
        // Whoever else has held: it knows by its own clock that this is over.
        Assert.DoesNotContain(_contenders, other => other != contender && other.Holding is { IsOver: false });
        contender.Holding = holding;
        bool isolated = fault < 2;
        if (isolated)
        {
            await proxy.RefuseAsync();
            if (fault == 0)
            {
                proxy.Reset();
            }
            else
            {
                proxy.BlackHole();
            }
        }
        else if (fault == 2)
        {
            proxy.Reset();
        }

        // One that is cut off writes on until the store refuses it, as one would that was suspended.
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        int writes = 0;
        while (isolated ? await WriteAsync(direct, holding, cancellation) : writes++ < 5 && await WriteAsync(direct, holding, cancellation))
        {
            if (!isolated)
            {
                continue;
            }

            await pause.WaitForNextTickAsync(cancellation);
        }

        if (isolated)
        {
            Assert.True(holding.IsOver, "the store refused a holder that did not know that it had lost");
            Interlocked.Increment(ref _lost);
            proxy.Accept();
        }

        await holding.EndAsync();
        contender.Holding = null;
    }

    /// <returns>Whether the store has taken the holder's write.</returns>
    private async Task<bool> WriteAsync(EtcdClient direct, Holding holding, CancellationToken cancellation)
    {
        EtcdTxnResult write = await direct.Kv.CommitAsync(
            new EtcdTxn().If(holding.StillHeld).Then(EtcdOp.Put("guarded", "v")), cancellationToken: cancellation);
        if (write.Succeeded)
        {
            _accepted.Add((write.Revision, holding.Fence));
        }
        else
        {
            Interlocked.Increment(ref _refused);
        }

        return write.Succeeded;
    }

    private static async Task<Holding?> TryHoldAsync(EtcdClient client, bool lockNotElection, CancellationToken cancellation)
    {
        EtcdSession? session = null;
        try
        {
            session = await client.Leases.CreateSessionAsync(TimeToLive, cancellation);
            if (lockNotElection)
            {
                EtcdLock held = await new EtcdMutex(session, "contended").LockAsync(cancellation);
                return new Holding(session, held, held.StillHeld, held.FencingRevision);
            }

            EtcdLeadership leadership = await new EtcdElection(session, "contended").CampaignAsync("me", cancellation);
            return new Holding(session, leadership, leadership.StillHeld, leadership.FencingRevision);
        }
        catch (EtcdException)
        {
            if (session is not null)
            {
                await session.DisposeAsync();
            }

            return null;
        }
    }

    private sealed class Contender
    {
        private Holding? _holding;

        public Holding? Holding
        {
            get => Volatile.Read(ref _holding);
            set => Volatile.Write(ref _holding, value);
        }
    }

    /// <summary>What a contender holds, as it sees it.</summary>
    private sealed class Holding(EtcdSession session, IAsyncDisposable held, EtcdCompare stillHeld, long fence)
    {
        private volatile bool _ended;

        public EtcdCompare StillHeld => stillHeld;

        public long Fence => fence;

        public bool IsOver => _ended || session.IsLost;

        public async Task EndAsync()
        {
            _ended = true;
            await held.DisposeAsync();
            await session.DisposeAsync();
        }
    }
}
