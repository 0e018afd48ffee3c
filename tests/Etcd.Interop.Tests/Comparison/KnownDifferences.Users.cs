namespace Etcd.Interop.Tests.Comparison;

/// <content>Users and rights: 3.7.1 asks for rights where 3.5.16 does not, and says it in its own words.</content>
internal static partial class KnownDifferences
{
    private const string Administration = "auth: a user administers nothing";
    private const string Rights = "auth: what a user may do";
    private const string Leases = "server/etcdserver/v3_server.go: requireAuthInfo, checkLeaseRenew";
    private const string Maintenance = "server/etcdserver/api/v3rpc/maintenance.go: authMaintenanceServer";
    private const string Compaction = "server/etcdserver/api/v3rpc/key.go: Compact";
    private const string RootRole = "server/auth/store.go: RoleGet";
    private const string AllKeys = "out: KV Read:\nout: \t[, <open ended> (prefix )\nout: KV Write:\nout: \t[, <open ended> (prefix )";

    private static IEnumerable<KnownDifference> Users() =>
    [
        new("auth: roles", "role get root", "out: KV Read:\nout: KV Write:", AllKeys, RootRole),
        new("auth: roles", "role get root", "out: KV Read:\nout: \ta\nout: KV Write:", AllKeys, RootRole),
        new(Administration, "--user alice:pw compact 2", "exit: 0\nout: compacted revision 2", Refused("PermissionDenied", "etcdserver: permission denied"), Compaction),
        new(
            Administration,
            "compact 2",
            Refused("OutOfRange", "etcdserver: mvcc: required revision has been compacted"),
            Refused("InvalidArgument", "etcdserver: user name is empty"),
            Compaction),
        new(
            Administration,
            "--user alice:pw move-leader 1",
            Refused("FailedPrecondition", "etcdserver: bad leader transferee"),
            Refused("PermissionDenied", "etcdserver: permission denied"),
            Maintenance),
        new(Administration, "alarm disarm", "exit: 0", Refused("InvalidArgument", "etcdserver: user name is empty"), Maintenance),
        new(Rights, "lease timetolive 1", "exit: 0\nout: lease 0000000000000001 already expired", Called("exit: 2", "etcdserver: user name is empty"), Leases),
        new(
            Rights,
            "lease revoke 1",
            "err: error = \"rpc error: code = NotFound desc = etcdserver: requested lease not found\"\nerr: Error: failed to revoke lease (etcdserver: requested lease not found)",
            "err: error = \"rpc error: code = InvalidArgument desc = etcdserver: user name is empty\"\nerr: Error: failed to revoke lease (etcdserver: user name is empty)",
            Leases),
        new(Rights, "lease keep-alive --once 1", "err: Error: etcdserver: requested lease not found", "err: Error: etcdserver: user name is empty", Leases),
        .. Worded("--user alice:pw defrag", "auth: permission denied", "PermissionDenied", "etcdserver: permission denied", Defragment),
        .. Worded("defrag", "auth: user name is empty", "InvalidArgument", "etcdserver: user name is empty", Defragment),
        .. Worded("--user alice:pw endpoint hashkv", "auth: permission denied", "PermissionDenied", "etcdserver: permission denied", HashKv),
        .. Worded("endpoint hashkv", "auth: user name is empty", "InvalidArgument", "etcdserver: user name is empty", HashKv),
    ];

    private static string Refused(string code, string text) => Called("exit: 1", text, code);

    private static string Called(string exit, string text, string code = "InvalidArgument") =>
        $"{exit}\n" + "err: level = \"warn\"\nerr: logger = \"etcd-client\"\nerr: msg = \"retrying of unary invoker failed\"\nerr: attempt = 0\n"
        + $"err: error = \"rpc error: code = {code} desc = {text}\"\nerr: Error: {text}";

    /// <summary>What 3.5.16 refuses with a text that has no code.</summary>
    private static IEnumerable<KnownDifference> Worded(string step, string reference, string code, string contract, Func<string, string> shown)
    {
        string unknown = $"rpc error: code = Unknown desc = {reference}";
        yield return new KnownDifference(
            Administration,
            step,
            $"err: error = \"{unknown}\"\n{shown(unknown)}",
            $"err: error = \"rpc error: code = {code} desc = {contract}\"\n{shown(contract)}",
            Maintenance);
    }

    private static string Defragment(string error) => $"err: Failed to defragment etcd member[<endpoint>] ({error})";

    private static string HashKv(string error) => $"err: Failed to get the hash of endpoint <endpoint> ({error})\nerr: Error: {error}";
}
