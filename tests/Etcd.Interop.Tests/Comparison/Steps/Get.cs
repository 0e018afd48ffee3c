namespace Etcd.Interop.Tests.Comparison.Steps;

/// <summary>A GET of the client port: the status and the body.</summary>
/// <param name="Path">The path with its query.</param>
internal sealed record Get(string Path) : IStep
{
    public async Task RunAsync(Session session)
    {
        using var http = new HttpClient { BaseAddress = new Uri(session.Target.ClientUrl) };
        using HttpResponseMessage answer = await http.GetAsync(Path, Session.Cancellation);
        string body = await answer.Content.ReadAsStringAsync(Session.Cancellation);
        session.Add($"GET {Path}", [$"status: {(int)answer.StatusCode}", $"type: {answer.Content.Headers.ContentType}", .. body.Split('\n')]);
    }
}
