using Etcd.Server.Auth;
using Etcd.Server.Auth.Tokens;
using Etcd.Server.Primitives;
using Etcd.TestKit;

namespace Etcd.Server.Tests.Auth;

/// <summary>Goal: simple tokens live and end as etcd's. Method: a clock that the test sets.</summary>
public sealed class SimpleTokensTests
{
    private readonly FakeTimeProvider _clock = new();

    [Fact]
    public void A_token_is_sixteen_letters_a_dot_and_the_index_before()
    {
        SimpleTokens tokens = New();
        string prefix = tokens.NewPrefix();
        Assert.Matches("^[a-zA-Z]{16}$", prefix);
        Assert.NotEqual(prefix, tokens.NewPrefix());
        string token = tokens.Assign("alice", prefix, new LogIndex(42))!;
        Assert.Equal(prefix + ".41", token);
        Assert.Equal(new LogIndex(42), tokens.OriginOf(token));
        Assert.True(tokens.TryFind(token, 7, out AuthInfo who));
        Assert.Equal(new AuthInfo("alice", 7), who);
    }

    [Fact]
    public void To_be_used_is_to_live_on()
    {
        SimpleTokens tokens = New();
        string token = tokens.Assign("alice", "p", new LogIndex(1))!;
        for (int i = 0; i < 5; i++)
        {
            _clock.Advance(TimeSpan.FromSeconds(299));
            tokens.RunOnce();
            Assert.True(tokens.TryFind(token, 1, out _));
        }

        _clock.Advance(TimeSpan.FromSeconds(301));
        Assert.False(tokens.TryFind(token, 1, out _), "it is too old, whether it was forgotten or not");
        tokens.RunOnce();
        Assert.Equal(0, tokens.Count);
        Assert.False(tokens.TryFind(token, 1, out _));
    }

    [Fact]
    public void A_users_tokens_end_together()
    {
        SimpleTokens tokens = New();
        string first = tokens.Assign("alice", "a", new LogIndex(1))!;
        string second = tokens.Assign("alice", "b", new LogIndex(2))!;
        string other = tokens.Assign("bob", "c", new LogIndex(3))!;
        tokens.InvalidateUser("alice");
        Assert.False(tokens.TryFind(first, 1, out _));
        Assert.False(tokens.TryFind(second, 1, out _));
        Assert.True(tokens.TryFind(other, 1, out _));
        tokens.Clear();
        Assert.False(tokens.TryFind(other, 1, out _));
    }

    /// <summary>A token that was given before a restart may have been ended by time since: what is applied again gives none.</summary>
    [Fact]
    public void What_is_applied_again_at_a_start_gives_no_token()
    {
        SimpleTokens tokens = New(replayed: new LogIndex(10));
        string old = tokens.Assign("alice", "a", new LogIndex(10))!;
        string young = tokens.Assign("alice", "b", new LogIndex(11))!;
        Assert.False(tokens.TryFind(old, 1, out _));
        Assert.True(tokens.TryFind(young, 1, out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("x.")]
    [InlineData(".x")]
    [InlineData("x.1.2")]
    [InlineData("x.-1")]
    [InlineData("x.99999999999999999999999")]
    public void What_is_no_token_comes_from_no_entry(string text)
    {
        Assert.Equal(LogIndex.Zero, New().OriginOf(text));
        Assert.False(New().TryFind(text, 1, out _));
    }

    private SimpleTokens New(LogIndex replayed = default)
    {
        var random = new Random(5);
        return new SimpleTokens(_clock, TimeSpan.Zero, random.Next, replayed);
    }
}
