using Etcd.Server.Apply;
using Etcd.Server.Node;
using Grpc.Core;

namespace Etcd.Server.Api.Authentication;

/// <summary>Proposals on behalf of whoever makes a call: what the user may do is decided where the command is applied.</summary>
internal static class GuardedCalls
{
    /// <summary>As <see cref="IProposals.ProposeAsync"/>, with the name of the user in the command.</summary>
    /// <param name="api">The node.</param>
    /// <param name="command">The command.</param>
    /// <param name="call">The call.</param>
    /// <returns>Faults with InvalidAuthToken besides.</returns>
    public static Task<ApplyOutcome> ProposeAsync(this ApiContext api, RaftCommand command, ServerCallContext call) =>
        api.Auth.IsEnabled ? IdentifyAndProposeAsync(api, command, call) : api.Proposals.ProposeAsync(command);

    private static async Task<ApplyOutcome> IdentifyAndProposeAsync(ApiContext api, RaftCommand command, ServerCallContext call)
    {
        command.Identify(await api.Auth.IdentifyOrNobodyAsync(call).ConfigureAwait(false));
        return await api.Proposals.ProposeAsync(command).ConfigureAwait(false);
    }
}
