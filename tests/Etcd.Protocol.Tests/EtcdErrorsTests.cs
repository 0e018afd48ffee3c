using System.Reflection;
using Etcd.Protocol.Errors;
using Grpc.Core;

namespace Etcd.Protocol.Tests;

/// <summary>The error table is protocol: codes and texts are what clients act on.</summary>
public sealed class EtcdErrorsTests
{
    [Fact]
    public void The_whole_table_is_as_in_etcd() =>
        Golden.Check("errors.txt", EtcdErrors.All.Select(error => error.WireCode == error.Code
            ? $"{error.Id} | {error.Code} | {error.Text}"
            : $"{error.Id} | {error.Code}, sent as {error.WireCode} | {error.Text}"));

    [Fact]
    public void Every_id_has_one_row_and_one_member_of_its_name()
    {
        var members = typeof(EtcdErrors).GetFields(BindingFlags.Public | BindingFlags.Static)
            .ToDictionary(field => field.Name, field => (EtcdError)field.GetValue(null)!);

        Assert.Equal(Enum.GetValues<EtcdErrorId>(), EtcdErrors.All.Select(error => error.Id));
        Assert.All(EtcdErrors.All, error => Assert.Same(error, members[error.Id.ToString()]));
        Assert.Equal(EtcdErrors.All.Count, members.Count);
    }

    [Fact]
    public void An_error_is_found_by_its_exact_text_only()
    {
        foreach (var error in EtcdErrors.All)
        {
            Assert.True(EtcdErrors.TryFromText(error.Text, out var found));
            Assert.Same(error, found);
            Assert.False(EtcdErrors.TryFromText(error.Text + " ", out _));
            Assert.False(EtcdErrors.TryFromText(error.Text.ToUpperInvariant(), out _));
        }

        Assert.False(EtcdErrors.TryFromText("", out _));
    }

    [Fact]
    public void An_error_becomes_the_status_that_etcd_sends()
    {
        var exception = EtcdErrors.Compacted.ToRpcException();
        Assert.Equal(StatusCode.OutOfRange, exception.StatusCode);
        Assert.Equal("etcdserver: mvcc: required revision has been compacted", exception.Status.Detail);

        Assert.Equal(StatusCode.ResourceExhausted, EtcdErrors.TooManyRequests.Code);
        Assert.Equal(StatusCode.Unknown, EtcdErrors.TooManyRequests.ToStatus().StatusCode);
    }

    [Fact]
    public void The_status_text_is_as_Go_prints_it()
    {
        Assert.Equal(
            "rpc error: code = PermissionDenied desc = etcdserver: permission denied",
            EtcdErrors.PermissionDenied.StatusText);
        Assert.Equal("rpc error: code = Canceled desc = etcdserver: watch canceled", EtcdErrors.WatchCanceled.StatusText);
    }

    [Fact]
    public void The_exception_carries_error_and_text()
    {
        var exception = EtcdErrors.NoSpace.ToException();
        Assert.Same(EtcdErrors.NoSpace, exception.Error);
        Assert.Equal(EtcdErrors.NoSpace.Text, exception.Message);
    }
}
