import { Button, Code, Collapse, Table, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'

const variables: [string, string][] = [
  ['{{ input.day }}', 'what comes with the run, by its name'],
  ['{{ input.note | default: "none" }}', 'the same, with what stands in when it is not there; else the run fails'],
  ['{{ previous.json.id }}', 'what came of the action before this one'],
  ['{{ env.NAME }}', 'a variable of the service’s environment, where its settings allow it'],
  ['{{ now }}', 'the time'],
]

/** Which variables texts can have. */
export function VariableHelp() {
  const [opened, { toggle }] = useDisclosure(false)
  return (
    <div>
      <Text size="sm">
        Texts can have variables, such as <Code style={{ whiteSpace: 'nowrap' }}>{'{{ input.day }}'}</Code>: they are filled in when the action runs.{' '}
        <Button variant="subtle" size="compact-xs" aria-expanded={opened} onClick={toggle}>
          {opened ? 'Less' : 'Which ones?'}
        </Button>
      </Text>
      <Collapse expanded={opened}>
        <Table mt="xs" aria-label="Variables">
          <Table.Tbody>
            {variables.map(([variable, meaning]) => (
              <Table.Tr key={variable}>
                <Table.Th scope="row" fw={400}>
                  <Code style={{ overflowWrap: 'anywhere' }}>{variable}</Code>
                </Table.Th>
                <Table.Td>{meaning}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Collapse>
    </div>
  )
}
