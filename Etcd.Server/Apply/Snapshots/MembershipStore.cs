using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Etcd.Server.Membership;

namespace Etcd.Server.Apply.Snapshots;

/// <summary>
/// The membership in the form of etcd's old (v2) store, a tree of named nodes as JSON. Go members up to 3.5 learn from it, and not
/// from the database, who the members are and which version they agreed on:
/// <code>
/// /0/members/ID/raftAttributes   {"peerURLs":["http://127.0.0.1:2380"]}
/// /0/members/ID/attributes       {"name":"default","clientURLs":["http://127.0.0.1:2379"]}
/// /0/removed_members/ID
/// /0/version                     3.7.0
/// /1                             (clients' keys of long ago: none)
/// </code>
/// The store's figures and its history of events are left out; a reader begins with empty ones then.
/// </summary>
internal static class MembershipStore
{
    private const int FormatVersion = 2;

    // What JavaScriptEncoder escapes beyond what JSON must is the same string to every reader.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Encodes.</summary>
    public static byte[] Encode(ClusterState.Snapshot membership)
    {
        var root = new Node("/");
        Node members = root.Directory("0").Directory("members");
        root.Directory("1");
        foreach (Member member in membership.Members)
        {
            Node node = members.Directory(StateBuckets.MemberText(member.Id));
            node.File("raftAttributes", RaftAttributes(member));
            if (member.IsStarted || member.ClientUrls.Count > 0)
                node.File("attributes", Attributes(member));
        }

        if (membership.Removed.Count > 0)
        {
            Node removed = root.Directory("0").Directory("removed_members");
            foreach (Primitives.MemberId id in membership.Removed)
                removed.File(StateBuckets.MemberText(id), "");
        }

        if (membership.Version is { } version)
            root.Directory("0").File("version", version);

        return Write(json =>
        {
            int index = 0;
            json.WriteStartObject();
            json.WritePropertyName("Root");
            root.Write(json, ref index);
            json.WriteNumber("CurrentIndex", index);
            json.WriteNumber("CurrentVersion", FormatVersion);
            json.WriteEndObject();
        }).WrittenSpan.ToArray();
    }

    private static string RaftAttributes(Member member) => Text(json =>
    {
        WriteList(json, "peerURLs", member.PeerUrls);
        if (member.IsLearner)
            json.WriteBoolean("isLearner", true);
    });

    private static string Attributes(Member member) => Text(json =>
    {
        if (member.Name.Length > 0)
            json.WriteString("name", member.Name);

        if (member.ClientUrls.Count > 0)
            WriteList(json, "clientURLs", member.ClientUrls);
    });

    private static void WriteList(Utf8JsonWriter json, string name, IReadOnlyList<string> values)
    {
        json.WriteStartArray(name);
        foreach (string value in values)
            json.WriteStringValue(value);

        json.WriteEndArray();
    }

    private static string Text(Action<Utf8JsonWriter> body) => System.Text.Encoding.UTF8.GetString(Write(json =>
    {
        json.WriteStartObject();
        body(json);
        json.WriteEndObject();
    }).WrittenSpan);

    private static ArrayBufferWriter<byte> Write(Action<Utf8JsonWriter> body)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer, Options);
        body(json);
        json.Flush();
        return buffer;
    }

    /// <summary>A node: a directory if it has a table of children, even an empty one.</summary>
    private sealed class Node(string path)
    {
        private SortedDictionary<string, Node>? _children;
        private string _value = "";

        public Node Directory(string name)
        {
            Node child = Child(name);
            child._children ??= new(StringComparer.Ordinal);
            return child;
        }

        public void File(string name, string value) => Child(name)._value = value;

        public void Write(Utf8JsonWriter json, ref int index)
        {
            json.WriteStartObject();
            json.WriteString("Path", path);
            json.WriteNumber("CreatedIndex", index);
            json.WriteNumber("ModifiedIndex", index);
            json.WriteString("ExpireTime", "0001-01-01T00:00:00Z");
            json.WriteString("Value", _value);
            json.WritePropertyName("Children");
            if (_children is null)
            {
                index++;
                json.WriteNullValue();
            }
            else
            {
                json.WriteStartObject();
                foreach ((string name, Node child) in _children)
                {
                    json.WritePropertyName(name);
                    child.Write(json, ref index);
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        private Node Child(string name)
        {
            _children ??= new(StringComparer.Ordinal);
            if (!_children.TryGetValue(name, out Node? child))
            {
                child = new Node(path == "/" ? "/" + name : path + "/" + name);
                _children.Add(name, child);
            }

            return child;
        }
    }
}
