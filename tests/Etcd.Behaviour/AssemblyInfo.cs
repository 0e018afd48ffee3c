// The runners share processes, and each case has the whole keyspace of its server to itself.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
