# Registers mcpd's task as a user without an administrator's rights, on a machine that may be changed:
# the account is made for it and removed again. Whether such a task also starts cannot be seen here,
# since its user is not logged on: what is asserted is that the scheduler takes it.
# Run by the job "standard-user" of ci, as an administrator, after the build.

$ErrorActionPreference = 'Stop'
if (-not $env:CI) { throw 'This makes a user account. Set CI=1 on a machine where it may.' }

$name = 'mcpd-tester'
$word = 'Aa1!' + [Guid]::NewGuid().ToString('N').Substring(0, 10)
$public = Join-Path $env:PUBLIC 'mcpd-standard-user'
$program = Join-Path $public 'mcpd.exe'
$log = Join-Path $public 'log.txt'
$script = Join-Path $public 'script.ps1'

New-Item -ItemType Directory -Force -Path $public | Out-Null
Copy-Item -LiteralPath 'dist\mcpd.exe' -Destination $program
# The other account has to be able to write its log there.
icacls $public /grant '*S-1-5-32-545:(OI)(CI)M' | Out-Null
net user $name $word /add | Out-Null
if ($LASTEXITCODE -ne 0) { throw "net user ended with $LASTEXITCODE" }

@'
param([string] $Program, [string] $Log)
# What is inherited from the administrator names the administrator's folders.
$env:USERPROFILE = [Environment]::GetFolderPath('UserProfile')
$env:LOCALAPPDATA = [Environment]::GetFolderPath('LocalApplicationData')
$env:APPDATA = [Environment]::GetFolderPath('ApplicationData')
$env:USERNAME = [Environment]::UserName
$env:TEMP = Join-Path $env:LOCALAPPDATA 'Temp'
$env:TMP = $env:TEMP
Remove-Item Env:MCPD_ALLOW_ROOT -ErrorAction SilentlyContinue
New-Item -ItemType Directory -Force -Path $env:TEMP | Out-Null
$xml = Join-Path $env:TEMP 'mcpd-task.xml'
& {
  "user: $(whoami)"
  & $Program install --no-service
  "install: $LASTEXITCODE"
  $installed = Join-Path $env:LOCALAPPDATA 'Programs\mcpd\bin\mcpd.exe'
  # 'daemon install' takes back what it cannot start, so its task is handed over by hand.
  $plan = & $installed daemon install --dry-run --json | Out-String | ConvertFrom-Json
  [IO.File]::WriteAllText($xml, $plan.definition, [Text.Encoding]::Unicode)
  schtasks /Create /TN $plan.label /XML $xml /F
  "create: $LASTEXITCODE"
  schtasks /Query /TN $plan.label /XML ONE
  "query: $LASTEXITCODE"
  schtasks /Delete /TN $plan.label /F
  "delete: $LASTEXITCODE"
  & $installed uninstall --purge --yes
  "uninstall: $LASTEXITCODE"
} *> $Log
'@ | Set-Content -LiteralPath $script -Encoding ASCII

try {
  $secret = ConvertTo-SecureString $word -AsPlainText -Force
  $credential = New-Object Management.Automation.PSCredential(".\$name", $secret)
  $words = @('-NoProfile', '-ExecutionPolicy', 'Bypass', '-File', $script, $program, $log)
  Start-Process -FilePath powershell.exe -ArgumentList $words -Credential $credential `
    -LoadUserProfile -WorkingDirectory $public -Wait
  $said = Get-Content -LiteralPath $log -Raw
  Write-Output $said
  foreach ($line in 'install: 0', 'create: 0', 'query: 0', 'delete: 0', 'uninstall: 0') {
    if ($said -notmatch "(?m)^$line\s*$") { throw "expected the line '$line' in the log above" }
  }
} finally {
  net user $name /delete | Out-Null
  Remove-Item -LiteralPath $public -Recurse -Force -ErrorAction SilentlyContinue
}
