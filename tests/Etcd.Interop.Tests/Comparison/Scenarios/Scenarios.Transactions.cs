using Etcd.Interop.Tests.Comparison.Steps;

namespace Etcd.Interop.Tests.Comparison;

internal static partial class Scenarios
{
    private static IEnumerable<Scenario> Transactions() =>
    [
        new("txn",
        [
            .. Commands("put k 1", "put k 2", "put n 5"),
            Txn("json", If: "value(\"k\") = \"2\"", Then: "put k 3\nget k\nput l 1", Else: "get absent"),
            Txn("simple", If: "value(\"k\") = \"2\"", Then: "put k 4", Else: "get k\nget n\nput failed 1"),
            Txn("fields", If: "value(\"k\") = \"2\"", Then: "put k 4", Else: "get k"),
            Txn("json", If: "", Then: "get a --from-key\ndel n\nget a --from-key\nput n 9\nget n", Else: ""),
            Txn("json", If: "", Then: "", Else: ""),
            Txn("json", If: "mod(\"k\") > \"0\"", Then: "", Else: "put no 1"),
            Txn("json", If: "", Then: "del a --from-key --prev-kv", Else: ""),
            Txn("json", If: "", Then: "del a --from-key", Else: ""),
            .. Commands("get --prefix '' -w json"),
        ]),
        new("txn compares",
        [
            .. Commands("put k b", "put k b"),
            .. from compare in new[]
               {
                   "value(\"k\") = \"b\"", "value(\"k\") > \"a\"", "value(\"k\") < \"a\"", "value(\"k\") < \"ba\"",
                   "create(\"k\") = \"2\"", "create(\"k\") < \"2\"", "create(\"absent\") = \"0\"", "c(\"k\") > \"1\"",
                   "mod(\"k\") = \"3\"", "mod(\"k\") > \"3\"", "m(\"absent\") < \"1\"",
                   "version(\"k\") = \"2\"", "version(\"k\") > \"2\"", "ver(\"absent\") = \"0\"",
                   "val(\"absent\") = \"\"", "val(\"absent\") < \"z\"",
                   "value(\"k\") = \"b\"\nversion(\"k\") = \"2\"", "value(\"k\") = \"b\"\nversion(\"k\") = \"1\"",
               }
               select Txn("json", If: compare, Then: "get k", Else: "get absent"),
        ]),
        new("txn errors",
        [
            Txn("json", If: "", Then: "put a 1\nput a 2", Else: ""),
            Txn("json", If: "", Then: "put a 1\ndel a", Else: ""),
            Txn("json", If: "", Then: "put a 1", Else: "put b 1\ndel --prefix b"),
            Txn("json", If: "", Then: "del a\ndel a\ndel --prefix a", Else: ""),
            Txn("json", If: "", Then: "put a 1\nget a --rev=99", Else: ""),
            Txn("json", If: "", Then: "put a 1 --lease=77", Else: ""),
            Txn("json", If: "", Then: "put b 1\nput absent --ignore-value", Else: ""),
            Txn("json", If: "", Then: string.Join('\n', Enumerable.Range(0, 129).Select(i => $"put key{i} v")), Else: ""),
            Txn("json", If: "", Then: string.Join('\n', Enumerable.Range(0, 128).Select(i => $"put key{i} v")), Else: ""),
            Txn("json", If: string.Join('\n', Enumerable.Range(0, 129).Select(i => $"value(\"key{i}\") = \"v\"")), Then: "", Else: ""),
            .. Commands("get --prefix '' --limit=1 -w json"),
        ]),
    ];

    /// <summary>A transaction that etcdctl reads from stdin: three parts, each ended by an empty line.</summary>
    private static Ctl Txn(string format, string If, string Then, string Else) =>
        new($"txn -w {format}", Part(If) + Part(Then) + Part(Else));

    private static string Part(string lines) => lines.Length == 0 ? "\n" : lines + "\n\n";
}
