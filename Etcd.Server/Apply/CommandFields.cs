namespace Etcd.Server.Apply;

/// <summary>
/// The field numbers of the commands in etcdserverpb.InternalRaftRequest; a test compares them with the descriptor.
/// </summary>
internal static class CommandFields
{
    public const int Put = 4;
    public const int DeleteRange = 5;
    public const int Txn = 6;
    public const int Compaction = 7;
    public const int LeaseGrant = 8;
    public const int LeaseRevoke = 9;
    public const int Alarm = 10;
    public const int LeaseCheckpoint = 11;
    public const int ClusterVersionSet = 1300;
    public const int ClusterMemberAttrSet = 1301;
    public const int DowngradeInfoSet = 1302;
}
