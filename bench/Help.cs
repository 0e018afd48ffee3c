namespace Etcd.Bench;

internal static class Help
{
    public const string Text =
        """
        Usage: dotnet run -c Release --project bench -- COMMAND [options]

        compare   measures the real etcd and our server in turn: a fresh server each, same flags, fsync on
          --workloads LIST        of put, range, put-fixed, range-fixed; default all. The fixed ones offer half of
                                  the most that etcd did
          --clients LIST          of put and range, default 1,100,1000
          --passes N              default 3; the report has the medians
          --warm-up S             seconds of puts and ranges before the first workload, default 8
          --members N             processes of a side, 1, 3 or 5, default 1; the CPU is then their sum
          --target all|leader     whom clients of a cluster call, default all
          --etcd-only, --ours-only  one side alone
          --server PATH           this executable in place of our built server
          --put-rate R, --range-rate R  the fixed loads, rather than half of etcd's maximum
          --work-dir DIR          for data and logs, on a disk; default artifacts/bench
          --json FILE             also write every figure of every pass
          --markdown FILE         the table, default bench/RESULTS.md, or a section of
                                  bench/RESULTS-cluster.md for clusters, if nothing is narrowed
          The real etcd is taken from $ETCD_REFERENCE or ~/.cache/etcd-reference; .ci/get-etcd brings it.

        failover  kills the leader of a cluster again and again, and measures the time to the next acknowledged put
          --kills N               default 50
          --members N             3 or 5, default 3
          --etcd-only, --ours-only, --server PATH, --work-dir DIR  as above
          --markdown FILE         the table, default a section of bench/RESULTS-cluster.md

        watch     watches beside the real etcd: one put to many watchers, creating watches, and watchers that begin far
                  back while others put at half of the most that etcd can
          --watchers LIST         watchers of one key, default 1000,10000
          --puts N                puts to them, one after the other, default 200
          --behind N              watchers that begin in the past, default 1000
          --history N             how many revisions back, default 10000
          --put-rate R            the load beside them, rather than half of etcd's maximum
          --passes N              default 3; the report has the medians
          --warm-up S             seconds of puts to 500 watchers before anything counts, default 8
          --etcd-only, --ours-only, --server PATH, --work-dir DIR  as above
          --markdown FILE         the table, default bench/RESULTS-watch.md if nothing is narrowed

        store     what a store of many keys costs: restart, memory, folder after overwriting and compacting, all keys read and
                  counted; and what a compaction with its rewriting and a Defragment cost those who put meanwhile, at half of
                  the most puts that the server can
          --part rest|load|all    only the one or the other, default all
          --keys-total N          keys at rest, default 1000000
          --revisions N           that the compaction under load drops, default 300000
          --seconds S             the least time of each phase under load, default 8
          --clients N             of the loads, default 256
          --etcd-only, --ours-only, --server PATH, --work-dir DIR  as above
          --markdown FILE         the tables, default bench/RESULTS-store.md if nothing is narrowed

        load      drives a server that already runs
          --endpoint HOST:PORT    default 127.0.0.1:2379, plain text
          --workload put|range    default put; range reads one key, linearizable
          --clients N             clients with one call at a time each, default 100
          --rate R                open loop: offer R calls per second, whatever the server does; latency then
                                  counts from when a call was due, and --clients bounds the calls under way
          --total N               stop after N calls instead of --seconds, without a ramp
          --preload               first put each key of the key space once
          --pid PID               also report the CPU time of this process, the server

        sdk       measures Etcd.Client beside the generated gRPC client, at our server, in turn
          --callers LIST          callers at a time, or watches, default 1,100,1000
          --operations LIST       of put, get and watch; default all
          --passes N, --seconds S, --value-size B  default 7, 1 and 256
          --server PATH, --work-dir DIR  as above
          --markdown FILE         the table with its conditions, default bench/RESULTS-sdk.md if nothing is narrowed

        test-server  measures how long Etcd.Testing's EtcdTestServer takes to start and to stop
          --servers N             after the first of the process, default 20

        raft      measures the consensus core alone, one and three members in memory, batches of 1, 10 and 100
          --passes N              default 3; the report has the medians
          --seconds S             measured time of a pass, default 3
          --markdown FILE         also write the table with its conditions, bench/RESULTS-raft.md

        Options of compare and load:
          --conns M               connections that the clients share, default one per client up to 10
          --threads T             threads of the generator, default 1
          --seconds S             measured time, default 5
          --ramp S                load before the measured time, default 0.5
          --key-size B            bytes of a key (decimal digits), default 8
          --value-size B          bytes of a value, default 256
          --key-space N           number of different keys, default 100000
          --keys random|sequential  order of the keys, default random
          --seed N                seed of random keys and of the value, default 1
        """;
}
