using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Orchestration;

/// <summary>Those that wait for others are stopped before these, so that nothing loses what it stands on while it ends.</summary>
internal static class StopOrder
{
    public static IEnumerable<IReadOnlyList<ProcessController>> Waves(IReadOnlyList<ProcessController> controllers)
    {
        var left = controllers.ToList();
        while (left.Count > 0)
        {
            var needed = left.SelectMany(c => c.Resource.Annotations.OfType<WaitAnnotation>()).Select(w => w.Resource).ToHashSet();
            var wave = left.Where(c => !needed.Contains(c.Resource)).ToList();
            if (wave.Count == 0)
            {
                // They wait for each other; none of them ever started, so any order will do.
                wave = left;
            }

            yield return wave;
            left = [.. left.Except(wave)];
        }
    }
}
