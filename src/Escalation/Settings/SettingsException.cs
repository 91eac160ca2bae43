namespace Vlm.Escalation.Settings;

/// <summary>A configuration that cannot be used. The message is for the user and names file and line where it can.</summary>
internal sealed class SettingsException(string message) : UsageException(message);
