import { Kbd, Modal, Table } from '@mantine/core'
import { useDisclosure, useHotkeys } from '@mantine/hooks'
import { useNavigate } from '@tanstack/react-router'

const keys: [string[], string][] = [
  [['Ctrl K', '/'], 'Find a page, a credential, an action, or do something with one'],
  [['c'], 'New credential'],
  [['j', 'k'], 'Next, previous row'],
  [['Enter'], 'Open the row'],
  [['r'], 'Reconnect the credential of the row'],
  [['t'], 'Test the credential of the row'],
  [['x'], 'Select the row'],
  [['m'], 'Menu of the row'],
  [['?'], 'This list'],
]

/** Keys that work on every page, as long as nobody is typing. */
export function useSingleKeys() {
  const [opened, dialog] = useDisclosure(false)
  const navigate = useNavigate()
  useHotkeys([
    ['c', () => void navigate({ to: '/credentials/new' })],
    ['shift+?', dialog.open],
    ['?', dialog.open],
  ])
  return { opened, help: dialog.open, close: dialog.close }
}

export function KeyHelp({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="Keys">
      <Table>
        <Table.Tbody>
          {keys.map(([names, meaning]) => (
            <Table.Tr key={meaning}>
              <Table.Th scope="row" w={110}>
                {names.map((name) => (
                  <Kbd key={name} mr={6}>
                    {name}
                  </Kbd>
                ))}
              </Table.Th>
              <Table.Td>{meaning}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  )
}
