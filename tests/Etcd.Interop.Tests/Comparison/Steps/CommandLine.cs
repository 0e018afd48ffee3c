using System.Text;

namespace Etcd.Interop.Tests.Comparison.Steps;

/// <summary>Splits a command into its arguments at spaces; single quotes hold together what they enclose.</summary>
internal static class CommandLine
{
    public static IReadOnlyList<string> Split(string line)
    {
        var arguments = new List<string>();
        var current = new StringBuilder();
        bool quoted = false;
        bool any = false;
        foreach (char c in line)
        {
            if (c == '\'')
            {
                quoted = !quoted;
                any = true;
            }
            else if (c == ' ' && !quoted)
            {
                Take();
            }
            else
            {
                current.Append(c);
                any = true;
            }
        }

        Take();
        return arguments;

        void Take()
        {
            if (any)
            {
                arguments.Add(current.ToString());
            }

            current.Clear();
            any = false;
        }
    }
}
