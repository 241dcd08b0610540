using System.Text;

namespace EgressRouter.Config;

/// <summary>A line of a text.</summary>
/// <param name="Number">Where it begins, from 1.</param>
/// <param name="Text">What it says, without blanks around it.</param>
internal readonly record struct TextLine(int Number, string Text);

/// <summary>
/// The lines of a multi-line text, as the legacy images read theirs: empty ones and those that begin with '#' do not
/// count, blanks around go, and a backslash keeps the character behind it, or joins two lines.
/// </summary>
internal static class TextLines
{
    /// <summary>The lines that count.</summary>
    public static IEnumerable<TextLine> Of(string text)
    {
        var line = new StringBuilder();
        int start = 1;
        int number = 1;
        for (int i = 0; i <= text.Length; i++)
        {
            if (i == text.Length || text[i] == '\n')
            {
                string trimmed = line.ToString().Trim();
                if (trimmed is not ("" or ['#', ..]))
                {
                    yield return new TextLine(start, trimmed);
                }

                line.Clear();
                start = ++number;
            }
            else if (text[i] == '\\' && i + 1 < text.Length)
            {
                i++;
                if (text[i] == '\n')
                {
                    number++;
                }
                else
                {
                    line.Append(text[i]);
                }
            }
            else
            {
                line.Append(text[i]);
            }
        }
    }
}
