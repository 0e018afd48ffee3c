using System.Text;
using Etcd.Server.Auth;

namespace Etcd.Server.Tests.Auth;

/// <summary>
/// Goal: a password that etcd has hashed opens here and the other way round. Method: published vectors of bcrypt (jBCrypt's, which
/// Openwall's and Go's libraries hold too), and etcd's own form of what is made here.
/// </summary>
public sealed class PasswordHashTests
{
    [Theory]
    [InlineData("", "$2a$08$HqWuK6/Ng6sg9gQzbLrgb.Tl.ZHfXLhvt/SgVyWhQqgqcZ7ZuUtye")]
    [InlineData("a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe")]
    [InlineData("abc", "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i")]
    [InlineData("abcdefghijklmnopqrstuvwxyz", "$2a$06$.rCVZVOThsIa97pEDOxvGuRRgzG64bvtJ0938xuqzv18d3ZpQhstC")]
    [InlineData("~!@#$%^&*()      ~!@#$%^&*()PNBFRD", "$2a$06$fPIsBO8qRqkjj273rfaOI.HtSV9jLDpTbZn782DC6/t7qT67P6FfO")]
    public void Published_vectors_match(string password, string hash)
    {
        Assert.True(PasswordHash.Matches(Encoding.ASCII.GetBytes(hash), password));
        Assert.False(PasswordHash.Matches(Encoding.ASCII.GetBytes(hash), password + "x"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("secret")]
    [InlineData("pässwörd ✓")]
    [InlineData("123456789012345678901234567890123456789012345678901234567890123456789012")]
    public void What_is_made_is_in_etcds_form_and_matches(string password)
    {
        string hash = Encoding.ASCII.GetString(PasswordHash.Make(password, PasswordHash.CostMin));
        Assert.Equal(60, hash.Length);
        Assert.StartsWith("$2a$04$", hash, StringComparison.Ordinal);
        Assert.True(PasswordHash.Matches(Encoding.ASCII.GetBytes(hash), password));
        Assert.False(PasswordHash.Matches(Encoding.ASCII.GetBytes(hash), "other"));
        Assert.NotEqual(hash, Encoding.ASCII.GetString(PasswordHash.Make(password, PasswordHash.CostMin)));
    }

    [Fact]
    public void An_old_entrys_password_gets_the_same_hash_on_every_member()
    {
        byte[] hash = PasswordHash.MakeForOldEntry("pw", PasswordHash.CostMin, "root", 42);
        Assert.Equal(hash, PasswordHash.MakeForOldEntry("pw", PasswordHash.CostMin, "root", 42));
        Assert.NotEqual(hash, PasswordHash.MakeForOldEntry("pw", PasswordHash.CostMin, "root", 43));
        Assert.True(PasswordHash.Matches(hash, "pw"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("$2a$")]
    [InlineData("$2a$99$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i")]
    [InlineData("$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0")]
    public void What_is_no_hash_is_nobodys(string hash) => Assert.False(PasswordHash.Matches(Encoding.ASCII.GetBytes(hash), "x"));
}
