using Microsoft.Extensions.Hosting;

namespace Etcd.Server.Hosting;

/// <summary>
/// The web servers live as long as <see cref="EtcdProgram"/> says. The host's own lifetime would handle signals too, and
/// would keep a second one, meant to end a stop that hangs, from ending the process.
/// </summary>
internal sealed class ProgramLifetime : IHostLifetime
{
    /// <inheritdoc/>
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
