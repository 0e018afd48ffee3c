using System.Globalization;
using System.Text;
using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Apply;
using Etcd.Server.Node;
using Etcd.Server.Storage;
using Etcd.Simulation.Checkers;
using Etcd.Simulation.Engine;
using Etcd.Simulation.Faults;
using Etcd.Simulation.Members;
using Google.Protobuf;

namespace Etcd.Simulation.Clients;

/// <summary>
/// One client: one request after the other, each to some member, with a think time between. It gives up after a while, and
/// then does not know what became of its request. What it does get is compared with the model.
/// </summary>
internal sealed class SimClient(SimCluster cluster, string name, SimRandom random)
{
    private readonly List<long> _leases = [];
    private Request? _current;
    private Machine? _favourite;
    private int _values;
    private long _nextLease;

    /// <summary>Requests that were answered.</summary>
    public long Answered { get; private set; }

    /// <summary>Requests that were asked.</summary>
    public long Asked { get; private set; }

    private SwarmOptions Options => cluster.Options;

    /// <summary>Begins to send requests, for as long as the cluster lets clients.</summary>
    public void Start() => Think();

    private void Think() =>
        cluster.Scheduler.After(random.LogUniform(Scheduler.Millisecond / 2, SwarmOptions.Ticks(Options.ThinkMsMax)), Ask);

    private void Ask()
    {
        if (!cluster.ClientsRun)
        {
            return;
        }

        if (_favourite is null || random.Chance(0.2))
        {
            _favourite = random.Pick(cluster.Machines);
        }

        if (_favourite.Life is not { } life)
        {
            // Connection refused.
            _favourite = null;
            Think();
            return;
        }

        Asked++;
        int kind = random.Next(100);
        if (kind < 35)
        {
            Read(life);
        }
        else if (kind < 45)
        {
            ReadAtOnce(life);
        }
        else
        {
            Command(life, Draw(kind));
        }
    }

    private string Key() => "k" + random.Next(Options.Keys).ToString(CultureInfo.InvariantCulture);

    private string Value() =>
        string.Create(CultureInfo.InvariantCulture, $"{name}.{++_values}.") + new string('x', random.Next(Options.ValueBytesMax));

    private (RaftCommandKind Kind, IMessage Request) Draw(int kind)
    {
        if (kind >= 90 && Options.Compacts && cluster.History.Model.Revision > 10)
        {
            long revision = cluster.History.Model.Revision - random.Next(0, 20);
            return (RaftCommandKind.Compaction, new CompactionRequest { Revision = Math.Max(1, revision) });
        }

        if (kind >= 80 && Options.Leases)
        {
            return random.Chance(0.6) || _leases.Count == 0 ? Grant() : Revoke();
        }

        if (kind < 60)
        {
            return Compare();
        }

        return kind < 66
            ? (RaftCommandKind.DeleteRange, new DeleteRangeRequest { Key = ByteString.CopyFromUtf8(Key()) })
            : (RaftCommandKind.Put, Put(Key()));
    }

    private PutRequest Put(string key)
    {
        var put = new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8(Value()) };
        if (Options.Leases && _leases.Count > 0 && random.Chance(0.3))
        {
            put.Lease = random.Pick(_leases);
        }

        return put;
    }

    /// <summary>Put if the key is still what it is now, as far as anyone knows: it may have changed by then.</summary>
    private (RaftCommandKind, IMessage) Compare()
    {
        string key = Key();
        long modified = cluster.History.Model.At(key, cluster.History.Model.Revision)?.Modified ?? 0;
        var txn = new TxnRequest();
        txn.Compare.Add(new Compare
        {
            Key = ByteString.CopyFromUtf8(key),
            Target = Etcd.Protocol.Etcdserverpb.Compare.Types.CompareTarget.Mod,
            Result = Etcd.Protocol.Etcdserverpb.Compare.Types.CompareResult.Equal,
            ModRevision = modified,
        });
        txn.Success.Add(new RequestOp { RequestPut = new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8(Value()) } });
        return (RaftCommandKind.Txn, txn);
    }

    private (RaftCommandKind, IMessage) Grant()
    {
        long id = (Fnv.Of(Encoding.UTF8.GetBytes(name), Fnv.Start) is var h ? (long)(h >> 20) : 0) + ++_nextLease;
        _leases.Add(id);
        return (RaftCommandKind.LeaseGrant, new LeaseGrantRequest { ID = id, TTL = random.LogUniform(1, 60) });
    }

    private (RaftCommandKind, IMessage) Revoke()
    {
        int at = random.Next(_leases.Count);
        long id = _leases[at];
        _leases.RemoveAt(at);
        return (RaftCommandKind.LeaseRevoke, new LeaseRevokeRequest { ID = id });
    }

    private void Command(Life life, (RaftCommandKind Kind, IMessage Request) what)
    {
        RaftCommand command = RaftCommand.Create(what.Kind, what.Request.ToByteArray());
        var request = new CommandRequest(this, command, what.Kind == RaftCommandKind.Txn);
        Begin(life, request, () =>
        {
            request.Answer = life.Node.ProposeAsync(command);
            cluster.History.OnAsk(command.Id);
            cluster.Trace.Mix(10, life.Machine.Id.Value, command.Id, (ulong)what.Kind);
            if (cluster.Trace.IsOn)
            {
                cluster.Trace.Say(name, $"asks {life.Machine.Name}: {what.Kind} {what.Request} (request {command.Id:x})");
            }
        });
    }

    private void Read(Life life)
    {
        string key = Key();
        var request = new ReadRequest(this, life, key, cluster.History.AcknowledgedRevision);
        Begin(life, request, () =>
        {
            if (cluster.Trace.IsOn)
            {
                cluster.Trace.Say(name, $"reads {key} from {life.Machine.Name}, not before revision {request.NotBefore}");
            }

            request.Confirmed = life.Node.LinearizeAsync(CancellationToken.None).AsTask();
        });
    }

    /// <summary>A serializable read: whatever this member has, but never less than it has shown before.</summary>
    private void ReadAtOnce(Life life)
    {
        string key = Key();
        life.Machine.Do(life, () =>
        {
            (long revision, (long, string)? found) = Look(life.Store, key);
            cluster.History.OnRead(name, key, life.ShownRevision, revision, found, linearizable: false);
            life.ShownRevision = revision;
            Answered++;
        });
        Think();
    }

    private static (long Revision, (long Modified, string Value)? Found) Look(MvccStore store, string key)
    {
        if (!store.TryGet(Encoding.UTF8.GetBytes(key), out ReadOnlyMemory<byte> record, out long revision))
        {
            return (revision, null);
        }

        KeyValueFields fields = KeyValueFields.Parse(record.Span);
        return (revision, (fields.ModRevision, Encoding.UTF8.GetString(fields.Value)));
    }

    private void Begin(Life life, Request request, Action send)
    {
        _current = request;
        life.Machine.Do(life, () =>
        {
            send();
            life.Pending.Add(request);
        });
        cluster.Scheduler.After(random.LogUniform(200 * Scheduler.Millisecond, 6 * Scheduler.Second), () => End(request));
    }

    /// <summary>The request is over for the client, whether it was answered or not.</summary>
    private void End(Request request)
    {
        if (ReferenceEquals(_current, request))
        {
            _current = null;
            Think();
        }
    }

    /// <summary>What a client waits for; looked at after each step of the member that it asked.</summary>
    internal abstract class Request(SimClient client)
    {
        protected SimClient Client { get; } = client;

        /// <summary>Whether it is over; if so, the client goes on.</summary>
        public abstract bool IsOver();

        /// <summary>The member's process has ended.</summary>
        public void Lost() => Client.End(this);

        protected void Answered()
        {
            // An answer that comes after the client has given up is still an answer, but nobody learns of it.
            Client.Answered++;
            Client.End(this);
        }
    }

    private sealed class CommandRequest(SimClient client, RaftCommand command, bool isTxn) : Request(client)
    {
        public Task<ApplyOutcome>? Answer { get; set; }

        public override bool IsOver()
        {
            if (Answer is not { IsCompleted: true } answer)
            {
                return false;
            }

            SimCluster cluster = Client.ClusterOf();
            if (answer.IsCompletedSuccessfully)
            {
                cluster.History.OnAnswer(Client.NameOf(), command.Id, answer.Result, null, isTxn);
                cluster.Trace.Mix(11, command.Id, (ulong)answer.Result.Revision);
                if (cluster.Trace.IsOn)
                {
                    cluster.Trace.Say(Client.NameOf(), $"request {command.Id:x} answered: revision {answer.Result.Revision}");
                }

                Answered();
                return true;
            }

            EtcdError? error = (answer.Exception?.GetBaseException() as EtcdErrorException)?.Error
                ?? throw new SimulationFailure("answer", $"{Client.NameOf()}: an exception that is no answer", answer.Exception);
            cluster.Trace.Mix(12, command.Id, (ulong)error.Id);
            if (cluster.Trace.IsOn)
            {
                cluster.Trace.Say(Client.NameOf(), $"request {command.Id:x} answered: {error.Text}");
            }

            if (IsVerdict(error))
            {
                cluster.History.OnAnswer(Client.NameOf(), command.Id, null, error, isTxn);
                Answered();
            }
            else
            {
                Client.End(this);
            }

            return true;
        }

        /// <summary>Refusals that the state machine gives at the command's place in the log; all others leave open what became of it.</summary>
        private static bool IsVerdict(EtcdError error) =>
            error == EtcdErrors.Compacted || error == EtcdErrors.FutureRevision
            || error == EtcdErrors.LeaseNotFound || error == EtcdErrors.LeaseExists;
    }

    private sealed class ReadRequest(SimClient client, Life life, string key, long notBefore) : Request(client)
    {
        public long NotBefore { get; } = notBefore;

        public Task? Confirmed { get; set; }

        public override bool IsOver()
        {
            if (Confirmed is not { IsCompleted: true } confirmed)
            {
                return false;
            }

            SimCluster cluster = Client.ClusterOf();
            if (!confirmed.IsCompletedSuccessfully)
            {
                if (confirmed.Exception?.GetBaseException() is { } why and not EtcdErrorException and not OperationCanceledException)
                {
                    throw new SimulationFailure("answer", $"{Client.NameOf()}: an exception that is no answer", why);
                }

                Client.End(this);
                return true;
            }

            (long revision, (long, string)? found) = Look(life.Store, key);
            cluster.Trace.Mix(13, life.Machine.Id.Value, (ulong)revision);
            if (cluster.Trace.IsOn)
            {
                cluster.Trace.Say(Client.NameOf(), $"has read {key} from {life.Machine.Name} at revision {revision}");
            }

            cluster.History.OnRead(Client.NameOf(), key, NotBefore, revision, found, linearizable: true);
            life.ShownRevision = Math.Max(life.ShownRevision, revision);
            Answered();
            return true;
        }
    }

    private SimCluster ClusterOf() => cluster;

    private string NameOf() => name;
}
