using Etcd.Server.Io;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Simulation.Checkers;
using Etcd.Simulation.Engine;
using Etcd.Simulation.Faults;
using Etcd.Simulation.Network;
using Etcd.TestKit.Disk;

namespace Etcd.Simulation.Members;

/// <summary>
/// A machine with its disk and clock, and at most one process of a member on it. It survives what its processes do not:
/// crashes, power failures, pauses.
/// </summary>
internal sealed class Machine : INetworkMember
{
    private readonly SimCluster _cluster;
    private readonly SimRandom _random;
    private long _pausedUntil;
    private long _slowUntil;
    private bool _restarting;
    private bool _isLeaving;

    public Machine(SimCluster cluster, MemberId id, string name, SimRandom random)
    {
        _cluster = cluster;
        _random = random;
        Id = id;
        Name = name;
        Clock = new SimClock(cluster.Scheduler);
        Disk = new SimDisk(new SimDiskOptions { Random = random });
    }

    public MemberId Id { get; }

    public string Name { get; }

    public SimClock Clock { get; }

    public SimDisk Disk { get; private set; }

    /// <summary>Whether its member is one of the first ones, which make the cluster.</summary>
    public bool IsFirst { get; init; }

    /// <summary>Whether its member has ever been started as far as having a log.</summary>
    public bool HasBegun { get; set; }

    /// <summary>The process that runs; null while there is none.</summary>
    public Life? Life { get; private set; }

    public bool IsUp => Life is not null;

    /// <summary>Whether it is kept down until told otherwise.</summary>
    public bool IsHeldDown { get; private set; }

    /// <summary>It was taken out of the cluster and will not come back.</summary>
    public bool IsGone { get; private set; }

    public bool IsPaused => _cluster.Scheduler.Now < _pausedUntil;

    private Scheduler Scheduler => _cluster.Scheduler;

    private SwarmOptions Options => _cluster.Options;

    public bool IsAlive(object life) => ReferenceEquals(Life, life);

    /// <summary>Starts the member's process; if that fails, again later.</summary>
    public void Start()
    {
        if (Life is not null || IsHeldDown || IsGone)
        {
            return;
        }

        _cluster.Trace.Mix(30, Id.Value, 0);
        try
        {
            Life = new Life(_cluster, this, _random.Fork());
        }
        catch (SimulatedCrashException)
        {
            PowerFailure();
            return;
        }
        catch (FileSystemException e)
        {
            HandleFailure(e);
            return;
        }

        Say("started: " + Life.Describe());
        Do(Life, Life.Start);
    }

    /// <summary>Whether a life may still say something: not when its machine has just lost power.</summary>
    public bool CanSend(object life) => IsAlive(life) && !Disk.HasCrashed;

    /// <summary>Runs a piece of work in a life, unless the machine is paused; then it waits.</summary>
    public void Do(Life life, Action work)
    {
        if (!IsAlive(life))
        {
            return;
        }

        if (IsPaused)
        {
            Scheduler.At(_pausedUntil, () => Do(life, work));
            return;
        }

        try
        {
            work();
        }
        catch (SimulatedCrashException)
        {
            // Seen below.
        }
        catch (FileSystemException e)
        {
            HandleFailure(e);
            return;
        }

        if (Disk.HasCrashed)
        {
            PowerFailure();
            return;
        }

        life.LookAfterStep();
        if (life.Failure is { } failure)
        {
            HandleFailure(failure);
        }
        else if (life.IsRemoved && !_isLeaving)
        {
            _isLeaving = true;
            Say("knows that it was removed");
            Leave();
        }
    }

    /// <summary>Runs a piece of work in a life after a while.</summary>
    public void DoAfter(Life life, long delay, Action work) => Scheduler.After(delay, () => Do(life, work));

    void INetworkMember.After(object life, long delay, Action<IPeerInbox> say) =>
        Scheduler.After(delay, () =>
        {
            if (IsAlive(life))
            {
                Do((Life)life, () => say(((Life)life).Inbox));
            }
        });

    public void Receive(Message message)
    {
        if (Life is { } life && life.Takes(message.From))
        {
            Do(life, () => life.Inbox.Deliver(message));
        }
    }

    public void ReceiveSnapshot(Message message, byte[] content, Action<bool> whenDone)
    {
        if (Life is not { } life)
        {
            whenDone(false);
            return;
        }

        Do(life, () =>
        {
            bool arrived = false;
            try
            {
                life.TakeSnapshot(message, content);
                arrived = true;
            }
            catch (FileSystemException e)
            {
                Say("could not keep a snapshot: " + e.Message);
            }

            whenDone(arrived);
        });
    }

    /// <summary>How long the next write and sync takes.</summary>
    public long SyncDelay() => Scheduler.Now < _slowUntil
        ? _random.LogUniform(100 * Scheduler.Millisecond, 3 * Scheduler.Second)
        : _random.LogUniform(SwarmOptions.Ticks(Options.SyncMsMin), SwarmOptions.Ticks(Options.SyncMsMax));

    /// <summary>How long a wake-up takes.</summary>
    public long StepDelay() => _random.LogUniform(Scheduler.Microsecond, SwarmOptions.Ticks(Options.StepMsMax));

    /// <summary>The process stops running for a while, and goes on as if nothing had happened.</summary>
    public void Pause(long ticks)
    {
        Say("paused");
        _cluster.Trace.Mix(31, Id.Value, (ulong)ticks);
        _pausedUntil = Math.Max(_pausedUntil, Scheduler.Now + ticks);
    }

    /// <summary>The disk is slow for a while.</summary>
    public void SlowDisk(long ticks) => _slowUntil = Math.Max(_slowUntil, Scheduler.Now + ticks);

    /// <summary>The process ends, by its own failure or from outside; what it wrote stays.</summary>
    public void Kill()
    {
        Say("killed");
        EndProcess();
        StartLater();
    }

    /// <summary>The machine loses power.</summary>
    public void PowerFailure()
    {
        CrashKind kind = _random.Next(3) switch { 0 => CrashKind.NothingUnsynced, 1 => CrashKind.EverythingUnsynced, _ => CrashKind.Torn };
        Say("power failure: " + kind);
        _cluster.Trace.Mix(32, Id.Value, (ulong)kind);
        EndLife();
        Disk = Disk.Crash(kind, new SimDiskOptions { Random = _random });
        StartLater();
    }

    /// <summary>Stays down until <see cref="Release"/>.</summary>
    public void HoldDown()
    {
        IsHeldDown = true;
        if (Life is not null)
        {
            EndProcess();
        }
    }

    /// <summary>May run again.</summary>
    public void Release()
    {
        IsHeldDown = false;
        _pausedUntil = Math.Min(_pausedUntil, Scheduler.Now);
        _slowUntil = 0;
        Disk.CapacityBytes = long.MaxValue;
        Disk.CrashAtOperation = 0;
        Disk.FailSyncAtOperation = 0;
        StartLater();
    }

    /// <summary>It will not come back.</summary>
    public void Destroy()
    {
        Say("gone");
        IsGone = true;
        EndProcess();
    }

    /// <summary>
    /// A removed member is switched off when all others have the removal on their disks as committed. Before, its vote may still
    /// be needed: those who do not know yet count it among the voters.
    /// </summary>
    private void Leave() => Scheduler.After(500 * Scheduler.Millisecond, () =>
    {
        if (_cluster.IsSettled(_cluster.Membership.RemovedAt(Id)))
        {
            Destroy();
        }
        else
        {
            Leave();
        }
    });

    private void HandleFailure(Exception failure)
    {
        switch (failure)
        {
            case FileSystemException e:
                Say("stopped: " + e.Message);
                // What the processes see is not what is on the disk any more, so the machine is taken off the power too.
                if (Disk.SyncHasFailed)
                {
                    PowerFailure();
                }
                else
                {
                    EndProcess();
                    StartLater();
                }

                break;
            case SimulationFailure found:
                throw found;
            default:
                throw new SimulationFailure("member failed", $"{Name}: {failure.Message}", failure);
        }
    }

    private void EndProcess()
    {
        EndLife();
        if (Disk.SyncHasFailed || Disk.HasCrashed)
        {
            Disk = Disk.Crash(CrashKind.NothingUnsynced, new SimDiskOptions { Random = _random });
        }
        else
        {
            Disk.KillProcess();
        }
    }

    private void EndLife()
    {
        Life? life = Life;
        Life = null;
        _pausedUntil = 0;
        life?.End();
    }

    private void StartLater()
    {
        if (_restarting || IsHeldDown || IsGone)
        {
            return;
        }

        _restarting = true;
        Scheduler.After(_random.LogUniform(10 * Scheduler.Millisecond, SwarmOptions.Ticks(_cluster.IsHealing ? 200 : Options.DownMsMax)), () =>
        {
            _restarting = false;
            Start();
        });
    }

    private void Say(string what)
    {
        if (_cluster.Trace.IsOn)
        {
            _cluster.Trace.Say(Name, what);
        }
    }
}
