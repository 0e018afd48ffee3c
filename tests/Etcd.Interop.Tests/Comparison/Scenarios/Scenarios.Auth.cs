using Etcd.Interop.Tests.Comparison.Steps;

namespace Etcd.Interop.Tests.Comparison;

internal static partial class Scenarios
{
    /// <summary>The least work that bcrypt has: how much there is of it changes no answer.</summary>
    private static readonly string[] CheapPasswords = ["--bcrypt-cost=4"];

    private static IEnumerable<Scenario> Auth() =>
    [
        new("auth: users",
        [
            .. InEachFormat("user list"),
            .. Commands("user add alice:pw", "user add alice:pw", "user add bob --no-password", "user add carl --new-user-password secret", "user add ''"),
            new Ctl("user add dora --interactive=false", Input: "pw\n"),
            .. InEachFormat("user list"),
            .. InEachFormat("user get alice"),
            .. Commands("user get nobody", "user get ''", "user delete nobody", "user delete carl", "user delete carl", "user list"),
            new Ctl("user passwd alice --interactive=false", Input: "other\n"),
            new Ctl("user passwd bob --interactive=false", Input: "other\n"),
            new Ctl("user passwd nobody --interactive=false", Input: "other\n"),
            .. InEachFormat("user add emil:pw"),
            .. InEachFormat("user delete emil"),
            .. InEachFormat("auth status"),
        ])
        {
            Flags = CheapPasswords,
        },
        new("auth: roles",
        [
            .. InEachFormat("role list"),
            .. Commands("role add r", "role add r", "role add ''", "role add second", "role list", "role get r", "role get nobody", "role get ''"),
            .. Commands(
                "role grant-permission r read a", "role grant-permission r readwrite b d", "role grant-permission r write p --prefix",
                "role grant-permission r read x --from-key", "role grant-permission r read '' --prefix", "role grant-permission r read z a",
                "role grant-permission r read z z", "role grant-permission nobody read a", "role grant-permission r write a",
                "role grant-permission r read b c", "role grant-permission r readwrite b c", "role grant-permission r admin a"),
            .. InEachFormat("role get r"),
            .. Commands(
                "role revoke-permission r b c", "role revoke-permission r b c", "role revoke-permission r p", "role revoke-permission r p --prefix",
                "role revoke-permission r x --from-key", "role revoke-permission nobody a", "role get r"),
            .. Commands("user add u:pw", "user grant-role u r", "user grant-role u r", "user grant-role u nobody", "user grant-role nobody r", "user grant-role u root", "user grant-role u second"),
            .. InEachFormat("user get u"),
            .. Commands("user get u --detail", "user revoke-role u r", "user revoke-role u r", "user revoke-role nobody r", "user get u", "role delete second", "role delete second", "user get u", "role list"),
            .. Commands("role add root", "role get root", "role grant-permission root read a", "role get root", "role delete root", "user get u"),
            .. InEachFormat("role delete r"),
            .. InEachFormat("role add again"),
            .. InEachFormat("auth status"),
        ]),
        new("auth: on and off",
        [
            .. Commands("auth disable", "auth enable", "user add root:toor", "auth enable", "auth enable", "--user root:toor auth status", "get k", "put k v"),
            .. Commands(
                "--user root:wrong get k", "--user nobody:x get k", "--user root:toor get k", "--user root:toor user list", "--user root:toor user get root",
                "--user root:toor user delete root", "--user root:toor user revoke-role root root", "--user root:toor role delete root", "--user root:toor role list"),
            .. Commands("--user root:toor auth disable", "get k", "put k v", "--user root:toor get k", "auth status", "user list", "user revoke-role root root", "user delete root", "auth status -w json"),
        ])
        {
            Flags = CheapPasswords,
        },
        new("auth: what a user may do", [.. ReaderAndWriter(), .. WithKeys(), .. WithoutRights()]) { Flags = CheapPasswords },
        new("auth: a user administers nothing",
        [
            .. ReaderAndWriter(),
            .. Commands(
                "user add x:y", "user delete alice", "user list", "user get alice", "user grant-role alice root", "user revoke-role alice app", "role add x", "role delete app",
                "role list", "role get app", "role get other", "role grant-permission app read z", "role revoke-permission app both", "auth enable", "auth disable",
                "user get root").SelectMany(s => new IStep[] { s, s is Ctl c ? c with { Line = "--user alice:pw " + c.Line } : s }),
            new Ctl("--user alice:pw user passwd alice --interactive=false", Input: "mine\n"),
            .. Commands("--user alice:pw compact 2", "--user alice:pw alarm disarm", "--user alice:pw member add x --peer-urls=http://127.0.0.1:1", "--user alice:pw member remove 1", "--user alice:pw defrag",
                "--user alice:pw endpoint hashkv", "--user alice:pw move-leader 1", "--user alice:pw member update 1 --peer-urls=http://127.0.0.1:1", "--user alice:pw member promote 1"),
            .. Commands("member add x --peer-urls=http://127.0.0.1:1", "member remove 1", "alarm disarm", "compact 2", "endpoint hashkv", "defrag"),
            .. Commands("--user root:toor alarm list", "--user root:toor compact 3", "--user root:toor user get alice", "--user root:toor role get app"),
        ])
        {
            Flags = CheapPasswords,
        },
        new("auth: rights change while a client is there",
        [
            .. ReaderAndWriter(),
            .. Commands("--user alice:pw put both 1", "--user root:toor role revoke-permission app both", "--user alice:pw put both 2", "--user alice:pw get both",
                "--user root:toor role grant-permission app read both", "--user alice:pw get both", "--user root:toor user revoke-role alice app", "--user alice:pw get both",
                "--user root:toor user delete alice", "--user alice:pw get both"),
        ])
        {
            Flags = CheapPasswords,
        },
    ];

    /// <summary>Root; alice, who may read "read", write "write" and both with "both" and all below "app/"; and some keys.</summary>
    private static IEnumerable<IStep> ReaderAndWriter() => Commands(
        "put both b", "put read r", "put write w", "put secret s", "put app/1 1", "put app/2 2",
        "user add root:toor", "user grant-role root root", "user add alice:pw", "user add bob:pw", "role add app", "role add other", "role grant-permission app read read",
        "role grant-permission app write write", "role grant-permission app readwrite both", "role grant-permission app readwrite app/ --prefix", "user grant-role alice app", "auth enable");

    private static IEnumerable<IStep> WithKeys() =>
    [
        .. Commands("get read", "get write", "get both", "get secret", "get app/ --prefix", "get app --prefix", "get a b", "get '' --prefix", "get app/ --from-key", "get app/1 --rev 3",
            "put read 1", "put write 1", "put both 1", "put secret 1", "put both 2 --prev-kv", "put write 2 --prev-kv", "put app/3 3", "put both --ignore-value", "put write --ignore-value",
            "del read", "del write", "del both", "del secret", "del app/ --prefix --prev-kv", "del write --prev-kv", "del app --prefix").Select(AsAlice),
        AliceTxn("value(\"read\") = \"r\"\n\nput both yes\n\nput both no\n\n"),
        AliceTxn("value(\"write\") = \"w\"\n\nput both yes\n\nput both no\n\n"),
        AliceTxn("\nget secret\n\n\n"),
        AliceTxn("\nput both 1\n\nput secret 1\n\n"),
        AliceTxn("\ndel app/ --prefix\n\n\n"),
        AliceTxn("\nput both 1\nget read\n\n\n"),
        new CtlWatch("--user alice:pw watch app/ --prefix --rev 6", 18),
        .. Commands("watch secret", "watch '' --prefix", "watch read z", "watch app --prefix", "watch read --from-key").Select(AsAlice),
    ];

    private static IEnumerable<IStep> WithoutRights() =>
    [
        .. Commands("get both", "put both 1", "del both", "watch both", "lease timetolive 1", "lease revoke 1", "lease keep-alive --once 1", "lock l echo hi", "elect e v"),
        .. Commands("get both", "put both 1", "del both", "watch both", "lock l echo hi", "elect e v").Select(AsBob),
        .. Commands("lock app/l echo hi", "lock l echo hi", "elect e v").Select(AsAlice),
        .. Commands("--user alice: get both", "--user alice:wrong get both", "--user '' get both"),
    ];

    private static IStep AsAlice(IStep step) => step is Ctl ctl ? ctl with { Line = "--user alice:pw " + ctl.Line } : step;

    private static IStep AsBob(IStep step) => step is Ctl ctl ? ctl with { Line = "--user bob:pw " + ctl.Line } : step;

    private static Ctl AliceTxn(string input) => new("--user alice:pw txn", input);
}
