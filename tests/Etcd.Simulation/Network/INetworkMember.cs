using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Simulation.Network;

/// <summary>A machine as the network sees it. A life is one run of the member's process.</summary>
internal interface INetworkMember
{
    MemberId Id { get; }

    /// <summary>How traces call it.</summary>
    string Name { get; }

    /// <summary>Whether a process is there to take messages; a paused one is.</summary>
    bool IsUp { get; }

    /// <summary>Whether a life goes on.</summary>
    bool IsAlive(object life);

    /// <summary>A message has arrived.</summary>
    void Receive(Message message);

    /// <summary>A snapshot has arrived whole; it is made durable, and then the sender is told.</summary>
    void ReceiveSnapshot(Message message, byte[] content, Action<bool> whenDone);

    /// <summary>Says something to the inbox after a while, if the life still goes on.</summary>
    void After(object life, long delay, Action<IPeerInbox> say);
}
