using Grpc.Core;

namespace Etcd.Grpc.Tests.CoreApi;

/// <summary>Goal: metadata keeps the rules of keys, values and order.</summary>
public sealed class MetadataTests
{
    [Fact]
    public void Keys_become_lower_case_and_are_found_in_any_case()
    {
        var metadata = new Metadata { { "Token", "a" }, { "token", "b" } };

        Assert.Equal(["token", "token"], metadata.Select(entry => entry.Key));
        Assert.Equal("b", metadata.GetValue("TOKEN"));
        Assert.Equal(["a", "b"], metadata.GetAll("tOken").Select(entry => entry.Value));
        Assert.Null(metadata.Get("other"));
        Assert.Null(metadata.GetValue("other"));
        Assert.Null(metadata.GetValueBytes("other"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a:b")]
    [InlineData("ä")]
    [InlineData("a\n")]
    public void A_key_with_another_character_is_refused(string key) =>
        Assert.Throws<ArgumentException>(() => new Metadata.Entry(key, "x"));

    [Fact]
    public void The_suffix_of_the_key_says_whether_the_value_is_binary()
    {
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("raw-bin", "text"));
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("raw", [1]));
        var binary = new Metadata.Entry("RAW-bin", [1, 2]);

        Assert.True(binary.IsBinary);
        Assert.Throws<InvalidOperationException>(() => binary.Value);
        Assert.Equal("text"u8.ToArray(), new Metadata.Entry("key", "text").ValueBytes);
    }

    [Fact]
    public void A_binary_value_is_copied_in_and_out()
    {
        byte[] bytes = [1, 2];
        var entry = new Metadata.Entry("raw-bin", bytes);

        bytes[0] = 9;
        entry.ValueBytes[1] = 9;

        Assert.Equal([1, 2], entry.ValueBytes);
    }

    [Fact]
    public void Empty_metadata_cannot_be_changed()
    {
        Assert.True(Metadata.Empty.IsReadOnly);
        Assert.Throws<InvalidOperationException>(() => Metadata.Empty.Add("a", "b"));
        Assert.Empty(Metadata.Empty);
    }

    [Fact]
    public void It_is_a_list()
    {
        var first = new Metadata.Entry("a", "1");
        var second = new Metadata.Entry("b", "2");
        var metadata = new Metadata { first };

        metadata.Insert(0, second);
        Assert.Equal(1, metadata.IndexOf(first));
        Assert.Contains(second, metadata);
        Assert.True(metadata.Remove(second));
        metadata[0] = second;
        Assert.Same(second, metadata[0]);
        metadata.RemoveAt(0);
        metadata.Add(first);
        metadata.Clear();

        Assert.Empty(metadata);
    }
}
