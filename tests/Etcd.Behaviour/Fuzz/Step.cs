using Etcd.Behaviour.Asking;
using Etcd.Protocol.Etcdserverpb;
using Google.Protobuf;

namespace Etcd.Behaviour.Fuzz;

/// <summary>One step of a sequence.</summary>
internal abstract record Step
{
    public abstract override string ToString();
}

/// <summary>A request with one answer.</summary>
internal sealed record Ask(IMessage Request) : Step
{
    public override string ToString() => $"{Request.Descriptor.Name} {Text.Line(Request)}";
}

/// <summary>A watch is asked for on a stream.</summary>
internal sealed record CreateWatch(int Stream, WatchCreateRequest Request) : Step
{
    public override string ToString() => $"stream {Stream} WatchCreate {Text.Line(Request)}";
}

/// <summary>A watch is ended, if it is there.</summary>
internal sealed record CancelWatch(int Stream, long Id) : Step
{
    public override string ToString() => $"stream {Stream} WatchCancel {Id}";
}

/// <summary>It is asked how far a stream is.</summary>
internal sealed record AskProgress(int Stream) : Step
{
    public override string ToString() => $"stream {Stream} WatchProgress";
}
