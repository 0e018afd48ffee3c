namespace Etcd.Server.Node;

/// <summary>A request whose answer is known and waits to be given, outside the step that found it.</summary>
internal interface IAnswer
{
    /// <summary>Gives it. Runs the caller's continuations.</summary>
    void Give();
}

/// <summary>Answers for several requests: one hand-over for all of them instead of one each.</summary>
internal sealed class AnswerBatch : IThreadPoolWorkItem
{
    /// <summary>
    /// Requests per hand-over. Small enough that two cores share the answers of one log batch, large enough that the
    /// hand-over is a small part of the cost.
    /// </summary>
    public const int Size = 16;

    private readonly IAnswer[] _answers;
    private int _count;

    private AnswerBatch(int capacity) => _answers = new IAnswer[capacity];

    /// <summary>Hands answers over, in batches.</summary>
    public static void Post<T>(ICompletions completions, List<T> answers)
        where T : class, IAnswer
    {
        for (int from = 0; from < answers.Count; from += Size)
        {
            int count = Math.Min(Size, answers.Count - from);
            var batch = new AnswerBatch(count);
            for (int i = 0; i < count; i++)
            {
                batch._answers[batch._count++] = answers[from + i];
            }

            completions.Post(batch);
        }
    }

    /// <summary>Hands one answer over.</summary>
    public static void Post(ICompletions completions, IAnswer answer)
    {
        var batch = new AnswerBatch(1);
        batch._answers[batch._count++] = answer;
        completions.Post(batch);
    }

    /// <inheritdoc/>
    public void Execute()
    {
        for (int i = 0; i < _count; i++)
        {
            _answers[i].Give();
        }
    }
}
