using System.Text;
using Etcd.Server.Bolt;

namespace Etcd.Server.Tests.Bolt;

/// <summary>Keys and values in memory, ascending.</summary>
internal sealed class Entries
{
    private readonly List<KeyValuePair<byte[], byte[]>> _entries = [];

    public Entries(params (string Key, string Value)[] entries)
    {
        foreach ((string key, string value) in entries)
            Add(Encoding.ASCII.GetBytes(key), Encoding.ASCII.GetBytes(value));
    }

    public void Add(byte[] key, byte[] value) => _entries.Add(new(key, value));

    public BoltCursor Cursor() => BoltBucket.Of("", _entries).Open();

    public void AssertEqual(BoltCursor cursor)
    {
        foreach ((byte[] key, byte[] value) in _entries)
        {
            Assert.True(cursor.MoveNext());
            Assert.Equal(key, cursor.Key.ToArray());
            Assert.True(cursor.Value.SequenceEqual(value), "the value came back");
        }

        Assert.False(cursor.MoveNext());
    }
}
